"""PROXY headers, over sockets: what the application sees, and what no sender gets through with.

The header's grammar is tests/unit/test_proxy_header.py's; tests/proxies/ has the real HAProxy before it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from fastserve.core import CORES, find
from fastserve.errors import StartupError
from fastserve.testing import Served, serve

from .process import TIMEOUT_S, rest

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + struct.pack("!HH", 4711, 8443)
TEXT = b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 8443\r\n"
BINARY = SIGNATURE + b"\x21\x11\0\x0c" + ADDRESSES
OVER_TLS = SIGNATURE + b"\x21\x11\0\x14" + ADDRESSES + b"\x20\0\x05\x01\0\0\0\0"
UNIX = SIGNATURE + b"\x21\x31\0\xd8" + bytes(108) + b"/run/front.sock".ljust(108, b"\0")
LOCAL = SIGNATURE + b"\x20\0\0\0"

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

asked = 0


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan here")
    global asked
    asked += 1
    seen = {name: scope[name] for name in ("client", "server", "scheme")}
    body = json.dumps(seen).encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def is_there(http: str) -> bool:
    try:
        find(http)
    except StartupError:
        return False
    return True


def connected(server: Served) -> socket.socket:
    assert server.port is not None
    sock = socket.create_connection((server.host, server.port), TIMEOUT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def seen_in(answer: bytes) -> tuple[Any, Any, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), answer
    seen = json.loads(body)
    return seen["client"], seen["server"], seen["scheme"]


def refused(server: Served, data: bytes) -> None:
    """The connection ends, without an answer and without a request."""
    before = asked
    with connected(server) as sock, contextlib.suppress(ConnectionError):
        sock.sendall(data)
        assert rest(sock) == b""
    assert asked == before


@pytest.fixture(scope="module", params=[http for http in CORES if is_there(http)])
def http(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(http: str) -> Iterator[Served]:
    with serve(app, http=http, proxy_protocol=True) as served:
        yield served


@pytest.fixture
def lines() -> Iterator[Callable[[], list[str]]]:
    """What the log is told."""
    told: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    logger, handler = logging.getLogger("fastserve.error"), Handler()
    logger.addHandler(handler)
    yield lambda: told
    logger.removeHandler(handler)


def until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


HEADERS = pytest.mark.parametrize(
    ("header", "client", "here", "scheme"),
    [
        (TEXT, ["192.0.2.1", 4711], ["192.0.2.2", 8443], "http"),
        (BINARY, ["192.0.2.1", 4711], ["192.0.2.2", 8443], "http"),
        (OVER_TLS, ["192.0.2.1", 4711], ["192.0.2.2", 8443], "https"),
        (UNIX, None, ["/run/front.sock", None], "http"),
    ],
    ids=["version 1", "version 2", "of a client by TLS", "of a UNIX socket"],
)


@HEADERS
def test_the_application_sees_who_was_introduced(
    server: Served, header: bytes, client: Any, here: Any, scheme: str
) -> None:
    with connected(server) as sock:
        sock.sendall(header + LAST)
        assert seen_in(rest(sock)) == (client, here, scheme)


@HEADERS
def test_byte_by_byte(server: Served, header: bytes, client: Any, here: Any, scheme: str) -> None:
    with connected(server) as sock:
        for byte in header + LAST:
            sock.sendall(bytes([byte]))
        assert seen_in(rest(sock)) == (client, here, scheme)


@pytest.mark.parametrize("header", [LOCAL, b"PROXY UNKNOWN\r\n"], ids=["LOCAL", "UNKNOWN"])
def test_a_proxy_may_speak_for_itself(server: Served, header: bytes) -> None:
    with connected(server) as sock:
        sock.sendall(header + LAST)
        client, here, scheme = seen_in(rest(sock))
        assert (client, here, scheme) == ([*sock.getsockname()], [*sock.getpeername()], "http")


def test_all_requests_of_a_connection_are_the_clients(server: Served) -> None:
    with connected(server) as sock:
        sock.sendall(BINARY + REQUEST + REQUEST + LAST)
        answers = rest(sock).split(b"HTTP/1.1 200 ")[1:]
    assert len(answers) == 3
    assert {seen_in(b"HTTP/1.1 200 " + answer)[0][0] for answer in answers} == {"192.0.2.1"}


@pytest.mark.parametrize(
    "data",
    [
        REQUEST,
        TEXT.replace(b"\r", b"") + REQUEST,
        TEXT.replace(b"4711", b"47110000") + REQUEST,
        b"PROXY " + b"x" * 200,
        BINARY.replace(b"\x21\x11", b"\x11\x11") + REQUEST,
        BINARY.replace(b"\x21\x11", b"\x2f\x11") + REQUEST,
        BINARY.replace(b"\x21\x11", b"\x21\x12") + REQUEST,
        BINARY.replace(b"\0\x0c", b"\0\x0b") + REQUEST,
        BINARY.replace(b"\0\x0c", b"\0\x0d") + b"\x20" + REQUEST,
        BINARY.replace(b"\0\x0c", b"\xff\xff") + b"\x20\xff\xff",
        TEXT + TEXT + REQUEST,
        b"\x16\x03\x01\x02\0",
    ],
    ids=[
        *("none", "bare LF", "port", "endless line", "version 1.1", "command", "datagrams"),
        *("addresses cut off", "field cut off", "too long", "twice", "TLS"),
    ],
)
def test_what_is_no_header_ends_the_connection(server: Served, data: bytes) -> None:
    if data.startswith(TEXT):  # the second one is no request
        with connected(server) as sock:
            sock.sendall(data)
            assert rest(sock).startswith(b"HTTP/1.1 501 ")
    else:
        refused(server, data)


def test_half_a_header_and_then_the_end(http: str, lines: Callable[[], list[str]]) -> None:
    with serve(app, http=http, proxy_protocol=True) as served:
        with connected(served) as sock:
            sock.sendall(BINARY[:20])
            sock.shutdown(socket.SHUT_WR)
            assert rest(sock) == b""
            name = "{}:{}".format(*sock.getsockname())
        until(lambda: f"PROXY header from {name} refused: it is not complete" in lines())


@pytest.mark.parametrize(
    "sent", [b"", TEXT[:20], BINARY[:20], TEXT], ids=["nothing", "text", "binary", "all"]
)
def test_a_header_has_as_much_time_as_a_head(http: str, sent: bytes) -> None:
    with serve(app, http=http, proxy_protocol=True, head_timeout_s=0.1) as served:
        refused(served, sent)


def test_a_server_that_ends_does_not_wait_for_headers(http: str) -> None:
    with serve(app, http=http, proxy_protocol=True) as served:
        sock = connected(served)
        sock.sendall(TEXT[:10])
        until(lambda: len(served.server.server_state.connections) == 1)
    with sock:
        assert rest(sock) == b""


def test_strangers(http: str, lines: Callable[[], list[str]]) -> None:
    """They need no header, and are not to have one."""
    with serve(app, http=http, proxy_protocol=True, proxy_allow_ips="192.0.2.0/24,nonsense") as served:
        assert "proxy_allow_ips: 'nonsense' is neither an address nor a network: ignored" in lines()
        with connected(served) as sock:
            sock.sendall(LAST)
            assert seen_in(rest(sock))[0] == [*sock.getsockname()]
        refused(served, TEXT + REQUEST)
        refused(served, BINARY + REQUEST)
        told = [line for line in lines() if "is not one of proxy_allow_ips" in line]
        assert len(told) == 2


def test_forwarded_headers_are_the_introduced_clients(http: str) -> None:
    """The peer is trusted by default, but it only passes on what its client says."""
    forged = LAST.replace(b"Host", b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nHost")
    for allowed, expected in (("127.0.0.1", ("192.0.2.1", "http")), ("192.0.2.1", ("6.6.6.6", "https"))):
        with serve(app, http=http, proxy_protocol=True, forwarded_allow_ips=allowed) as served:
            with connected(served) as sock:
                sock.sendall(TEXT + forged)
                client, _, scheme = seen_in(rest(sock))
            assert (client[0], scheme) == expected


def test_without_the_option_a_header_is_no_request(http: str) -> None:
    with serve(app, http=http) as served:
        for header, status in ((TEXT, 501), (BINARY, 400)):
            with connected(served) as sock:
                sock.sendall(header + REQUEST)
                assert rest(sock).startswith(b"HTTP/1.1 %d " % status)


# ---- before TLS ----


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def encrypted(
    request: pytest.FixtureRequest, http: str, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    path = str(tmp_path_factory.mktemp("pair") / "both.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    with serve(app, http=http, loop=request.param, proxy_protocol=True, ssl_certfile=path) as served:
        yield served


def asked_by_tls(sock: socket.socket, authority: trustme.CA, before: bytes, piece_bytes: int) -> bytes:
    """The answer to a request under TLS, with these bytes before the handshake's, in pieces of this size."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

    def flush(first: bytes = b"") -> None:
        data = first + outgoing.read()
        for at in range(0, len(data), piece_bytes):
            sock.sendall(data[at : at + piece_bytes])

    def done(step: Callable[[], Any], first: bytes = b"") -> Any:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                flush(first)
                first = b""
                data = sock.recv(65536)
                incoming.write(data) if data else incoming.write_eof()

    done(session.do_handshake, before)
    session.write(LAST)
    flush()
    received = b""
    with contextlib.suppress(ssl.SSLZeroReturnError, ssl.SSLEOFError):
        while data := done(lambda: session.read(65536)):
            received += data
    return received


@pytest.mark.parametrize("piece_bytes", [1, 30, 65536])
@pytest.mark.parametrize("header", [TEXT, BINARY], ids=["version 1", "version 2"])
def test_before_tls(encrypted: Served, authority: trustme.CA, header: bytes, piece_bytes: int) -> None:
    with connected(encrypted) as sock:
        answer = asked_by_tls(sock, authority, header, piece_bytes)
        assert seen_in(answer) == (["192.0.2.1", 4711], ["192.0.2.2", 8443], "https")


def test_tls_without_a_header(encrypted: Served) -> None:
    refused(encrypted, b"\x16\x03\x01\x02\0" + bytes(40))


def test_what_fails_behind_the_header_is_told_of_the_client(
    encrypted: Served, lines: Callable[[], list[str]]
) -> None:
    with connected(encrypted) as sock:
        sock.sendall(TEXT + REQUEST)
        assert rest(sock).startswith(b"HTTP/1.1 400 ")
    until(
        lambda: any(
            line.startswith("Invalid HTTP request received from 192.0.2.1:4711: 400 plain HTTP on a TLS port")
            for line in lines()
        )
    )
    with connected(encrypted) as sock, contextlib.suppress(ConnectionError):
        sock.sendall(TEXT + b"\x16\x03\x01\xff\xff" + b"\xff" * 20)
        rest(sock)
    until(lambda: any(line.startswith("TLS handshake with 192.0.2.1:4711 failed: ") for line in lines()))
