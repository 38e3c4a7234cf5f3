"""Which request becomes a WebSocket, and what becomes of the others? (RFC 6455, 4.2)"""

from __future__ import annotations

import base64
import json
import socket
import time
from pathlib import Path

import pytest
from server.process import Process

from .client import BINARY, TEXT, WebSocket, accept_key, frame, request
from .conftest import Serve
from .differences import TABLE

KEY = base64.b64encode(b"0123456789abcdef").decode()


def exchange(port: int, data: bytes) -> bytes:
    """All that is answered to these bytes, to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(data)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def test_the_answer(port: int) -> None:
    with WebSocket(port) as ws:
        assert ws.status == 101
        assert ws.headers["sec-websocket-accept"] == accept_key(KEY)
        assert ws.headers["upgrade"] == "websocket"
        assert ws.headers["connection"] == "Upgrade"
        assert ws.headers["server"] == "fastserve"
        assert "date" in ws.headers
        assert "content-length" not in ws.headers
        assert "sec-websocket-protocol" not in ws.headers
        ws.finish()


def test_the_key_of_the_rfc(port: int) -> None:
    with WebSocket(port, headers={"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}) as ws:
        assert ws.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        ws.finish()


@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "WebSocket", "Connection": "keep-alive, upgrade"},
        {"Upgrade": "h2c, websocket"},
        {"Connection": "Upgrade", "Sec-WebSocket-Version": " 13 "},
    ],
)
def test_spellings(port: int, headers: dict[str, str]) -> None:
    with WebSocket(port, headers=headers) as ws:
        assert ws.status == 101
        ws.finish()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-WebSocket-Version": "12"}, 426),
        ({"Sec-WebSocket-Version": None}, 426),
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg="}, 400),
        ({"Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2Rl!!=="}, 400),
        ({"Sec-WebSocket-Key": KEY + "\r\nSec-WebSocket-Key: " + KEY}, 400),
        ({"Host": None}, 400),
    ],
)
def test_what_is_refused(port: int, headers: dict[str, str | bytes | None], status: int) -> None:
    with WebSocket(port, headers=headers) as ws:
        assert ws.status == status
        assert ws.headers.get("sec-websocket-version") == ("13" if status == 426 else None)


@pytest.mark.parametrize(
    "head",
    [
        request("/", {"Upgrade": None}),
        request("/", {"Connection": "keep-alive"}),
        request("/", {"Upgrade": "h2c"}),
        request("/").replace(b"GET", b"POST"),
        request("/").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_what_is_an_ordinary_request(port: int, head: bytes) -> None:
    """And the connection goes on behind it."""
    answer = exchange(port, head.replace(b"HTTP/1.0\r\n", b"HTTP/1.0\r\nConnection: keep-alive\r\n")
                      + b"GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")  # fmt: skip
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(b"GET /next ")


def test_none(serve: Serve) -> None:
    with WebSocket(serve("--ws", "none").port) as ws:
        assert ws.status == 200


@pytest.mark.parametrize("name", ["cython", "websockets", "websockets-sansio", "wsproto"])
def test_every_name_of_uvicorns_is_served(servers: Serve, name: str) -> None:
    process = servers("--ws", name)
    with WebSocket(process.port) as ws:
        assert ws.status == 101
        ws.finish()
    assert process.output.count("fastserve's own WebSocket is used") == (name != "cython")


def test_the_page_tells_what_wsproto_does_differently() -> None:
    page = (Path(__file__).parents[2] / "docs/websocket.md").read_text()
    assert [row.name for row in TABLE if f"| {row.name} | {row.why.rstrip('.')} |" not in page] == []


# ---- what the application sees and says ----


def test_the_scope(port: int) -> None:
    headers: dict[str, str | bytes | None] = {
        "Sec-WebSocket-Protocol": "one, two,,\tthree ",
        "X-Odd": b"a\x85b\xa0c",
    }
    with WebSocket(port, "/scope?a=%20b", headers) as ws:
        assert ws.headers["sec-websocket-protocol"] == "three"
        assert ws.headers["x-own"] == "\xe9"
        scope = json.loads(ws.recv().payload)
        sent = dict(scope.pop("headers"))
        # HOSTILE 19: what some decoders take for the end of a line, or for white space, stays one value.
        assert sent["x-odd"] == "a\x85b\xa0c"
        assert sent["sec-websocket-version"] == "13"
        assert scope.pop("client")[0] == "127.0.0.1"
        assert scope == {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "scheme": "ws",
            "server": ["127.0.0.1", port],
            "root_path": "",
            "path": "/scope",
            "raw_path": "/scope",
            "query_string": "a=%20b",
            "subprotocols": ["one", "two", "three"],
            "state": {"answer": "of the lifespan"},
            "extensions": {"websocket.http.response": {}},
        }
        ws.finish()


def test_behind_a_proxy_that_encrypts(port: int) -> None:
    with WebSocket(port, "/scope", {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.9"}) as ws:
        scope = json.loads(ws.recv().payload)
        assert scope["scheme"] == "wss"
        assert scope["client"] == ["192.0.2.9", 0]
        ws.finish()


def test_refusal(server: Process) -> None:
    """403, and the connection goes on."""
    with WebSocket(server.port, "/refuse?a=b") as ws:
        assert ws.status == 403
        assert ws.headers["content-length"] == "0"
        ws.send(request("/"))
        assert ws.read_head()[0] == 101
        ws.finish()
    server.wait_for('"WebSocket /refuse?a=b" 403')
    server.wait_for("then {'type': 'websocket.disconnect', 'code': 1006, 'reason': ''}")


def test_refusal_with_an_answer_of_the_applications_own(server: Process) -> None:
    with WebSocket(server.port, "/deny") as ws:
        assert ws.status == 401
        assert ws.headers["www-authenticate"] == "a"
        assert ws.headers["transfer-encoding"] == "chunked"
        assert (
            ws.read_bytes(len(b"4\r\nnot \r\n3\r\nyou\r\n0\r\n\r\n")) == b"4\r\nnot \r\n3\r\nyou\r\n0\r\n\r\n"
        )
    server.wait_for('"WebSocket /deny" 401')


@pytest.mark.parametrize("path", ["/returns-early", "/raises-early"])
def test_an_application_that_fails_before(server: Process, path: str) -> None:
    with WebSocket(server.port, path) as ws:
        assert ws.status == 500
    server.wait_for(f'"WebSocket {path}" 500')
    server.wait_for(
        f"ASGI callable returned without sending handshake. (GET {path})"
        if path == "/returns-early"
        else f"Exception in ASGI application (GET {path})"
    )


# ---- how long, and how large ----


def test_an_application_that_answers_too_late(serve: Serve) -> None:
    """503, and the application hears that nobody waits any more."""
    server = serve("--ws-answer-timeout-s", "0.2")
    with WebSocket(server.port, "/too-late?a=b") as ws:
        assert ws.status == 503
        assert ws.headers["connection"] == "close"
        ws.read_bytes(int(ws.headers["content-length"]))
        ws.ended()
    server.wait_for('"WebSocket /too-late?a=b" 503')
    server.wait_for("WebSocket handshake not answered in time (GET /too-late)")
    server.wait_for("{'type': 'websocket.disconnect', 'code': 1006, 'reason': ''}, then ClientDisconnected")


@pytest.mark.parametrize("path", ["/", "/answers-slowly"])
def test_the_deadline_ends_with_the_answer(serve: Serve, path: str) -> None:
    server = serve("--ws-answer-timeout-s", "0.2")
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(request(path))
        if path == "/":
            assert sock.recv(65536).startswith(b"HTTP/1.1 101 ")
            time.sleep(0.5)
            sock.sendall(frame(TEXT, b"late"))
            assert sock.recv(65536).endswith(b"late")
        else:
            server.wait_for("answering")
            time.sleep(0.5)
            server.get("/go")
            assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_no_deadline(serve: Serve) -> None:
    server = serve("--ws-answer-timeout-s", "0", "--ws-ping-timeout", "0.1")
    before = server.output.count("not accepted yet")
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        sock.sendall(request("/late"))
        server.wait_for("not accepted yet", before + 1)
        time.sleep(0.4)
        server.get("/go")
        assert sock.recv(65536).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize(
    ("words", "headers", "path", "status"),
    [
        (("--header-bytes-max", "2000"), {"Sec-WebSocket-Protocol": "p, " * 700}, "/", b"431"),
        (("--header-bytes-max", "2000"), {"Sec-WebSocket-Extensions": "x; y=z, " * 300}, "/", b"431"),
        (("--header-count-max", "50"), {f"X-{number}": "" for number in range(50)}, "/", b"431"),
        (("--request-line-bytes-max", "100"), {}, "/" + "p" * 100, b"414"),
    ],
)
def test_a_handshake_over_the_limit(
    serve: Serve,
    words: tuple[str, str],
    headers: dict[str, str | bytes | None],
    path: str,
    status: bytes,
    cut: bool,
) -> None:
    """Refused, without the application; one below it is served."""
    server = serve(*words)
    head = request(path, headers)
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        for part in (head[:-700], head[-700:]) if cut else (head,):
            sock.sendall(part)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert f'"WebSocket {path}" ' not in server.output
    with WebSocket(server.port, "/?below") as ws:
        assert ws.status == 101
        ws.finish()


def test_headers_that_are_not_the_applications(server: Process) -> None:
    """They are raised to it, and none of them is sent; then it may still accept."""
    with WebSocket(server.port, "/adds", {"Sec-WebSocket-Extensions": "permessage-deflate"}) as ws:
        assert ws.status == 101
        assert ws.headers["sec-websocket-protocol"] == "x"
        assert ws.headers["sec-websocket-extensions"].startswith("permessage-deflate")
        assert "b" not in ws.headers
        ws.finish()
    for line in (
        "ValueError: the server sends the response header sec-websocket-accept itself",
        "ValueError: the server sends the response header sec-websocket-extensions itself",
        "ValueError: the server sends the response header sec-websocket-protocol itself",
        "TypeError: a response header name must be bytes, not str",
        "ValueError: invalid value of the response header b'x-split'",
        "TypeError: a response header must be a pair of bytes, not b'ab'",
        "TypeError: a response header must be a pair of bytes, not ()",
        "ValueError: invalid value of the response header b'sec-websocket-protocol'",
    ):
        server.wait_for(line)


# ---- bodies and bytes around the handshake ----


@pytest.mark.parametrize("framing", ["Content-Length: 24", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("cut", [False, True])
def test_35_a_refused_upgrade_with_a_body(port: int, framing: str, cut: bool) -> None:
    body = b"GET /smuggled HTTP/1.1\r\n"
    sent = body if "Length" in framing else b"18\r\n" + body + b"\r\n0\r\n\r\n"
    head = request("/refuse").replace(b"Host: a", b"Host: a\r\n" + framing.encode())
    tail = b"GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if cut:
            for byte in head + sent + tail:
                sock.sendall(bytes((byte,)))
        else:
            sock.sendall(head + sent + tail)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.endswith(b"GET /next ")


def test_an_accepted_upgrade_with_a_body(port: int) -> None:
    """The connection is the WebSocket's behind the body."""
    head = {"Content-Length": "5", "Expect": "100-continue"}
    with WebSocket(port, headers=head) as ws:
        assert ws.status == 100
        ws.send(b"12345" + frame(TEXT, b"after"))
        assert ws.read_head()[0] == 101
        assert ws.recv().payload == b"after"
        ws.finish()


def test_frames_behind_the_handshake_in_one_packet(port: int) -> None:
    behind = frame(TEXT, b"early") + frame(BINARY, b"x" * 40000) + frame(TEXT, b"third")
    with WebSocket(port, behind=behind) as ws:
        assert ws.recv().payload == b"early"
        assert ws.recv().payload == b"x" * 40000
        assert ws.recv().payload == b"third"
        ws.finish()


def test_frames_that_come_before_a_late_acceptance(server: Process) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        before = server.output.count("not accepted yet")
        sock.sendall(request("/late") + frame(TEXT, b"ear"))
        server.wait_for("not accepted yet", before + 1)
        server.get("/go")
        answer = b""
        while b"\x03ear" not in answer:
            answer += sock.recv(65536)
        assert answer.startswith(b"HTTP/1.1 101 ")


def test_a_client_that_goes_before_it_is_accepted(server: Process) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        before = server.output.count("not accepted yet")
        sock.sendall(request("/late"))
        server.wait_for("not accepted yet", before + 1)
    server.wait_for("then {'type': 'websocket.disconnect', 'code': 1006, 'reason': ''}")


def test_a_handshake_behind_another_request(port: int) -> None:
    with WebSocket(port, "/", {"Upgrade": None}, behind=request("/") + frame(TEXT, b"hello")) as ws:
        assert ws.status == 200
        ws.read_bytes(int(ws.headers["content-length"]))
        assert ws.read_head()[0] == 101
        assert ws.recv().payload == b"hello"
        ws.finish()


def test_the_log_lines(server: Process) -> None:
    with WebSocket(server.port, "/?of=the%0alog\x1b".replace("\x1b", "")) as ws:
        ws.finish()
    server.wait_for('- "WebSocket /?of=the%0alog" [accepted]')
    at = server.output.index('- "WebSocket /?of=the%0alog" [accepted]')
    server.wait_for("connection closed")
    assert server.output[at:].splitlines()[1].endswith("connection open")
