"""What is a request? (ASGI HTTP specification 2.5, "HTTP Connection Scope")"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from .apps import Receive, Scope, Send, answer
from .conftest import Serve
from .serving import Serving, get, request

CASES = pytest.mark.parametrize


class Recorder:
    """An application that keeps its scopes and answers what a test's function makes of each."""

    def __init__(self, spoil: Any = None) -> None:
        self.scopes: list[Scope] = []
        self.spoil = spoil

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append({**scope, "headers": list(scope["headers"])})
        if self.spoil is not None:
            self.spoil(scope)
        await answer(send)


def scope_of(serving: Serving, app: Recorder, data: bytes, method: str = "GET") -> Scope:
    app.scopes.clear()
    assert serving.ask(data, method).status == 200
    (scope,) = app.scopes
    return scope


def test_every_key(serve: Serve) -> None:
    app = Recorder()
    serving = serve(app)
    with serving.connect() as client:
        client.ask(get("/a%20b?c=%20d", "X-One: 1", "x-ONE:  2 "))
        client_port = client.port
    assert app.scopes == [
        {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/a b",
            "raw_path": b"/a%20b",
            "query_string": b"c=%20d",
            "root_path": "",
            "headers": [(b"host", b"a"), (b"x-one", b"1"), (b"x-one", b"2")],
            "client": ("127.0.0.1", client_port),
            "server": ("127.0.0.1", serving.address[1]),
            "state": {},
            "extensions": {"http.response.early_hint": {}},
        }
    ]


def test_types_are_the_builtin_ones(serve: Serve) -> None:
    """Frameworks ask for `str` and `bytes` by their exact types, and Starlette assigns to the scope."""
    app = Recorder()
    scope = scope_of(serve(app, root_path="/r"), app, get("/%C3%BC?q", "A: b"))
    expected = {
        "type": str, "asgi": dict, "http_version": str, "method": str, "scheme": str, "path": str,
        "raw_path": bytes, "query_string": bytes, "root_path": str, "headers": list, "client": tuple,
        "server": tuple, "state": dict, "extensions": dict,
    }  # fmt: skip
    assert {key: type(value) for key, value in scope.items()} == expected
    assert {type(part) for pair in scope["headers"] for part in pair} == {bytes}
    assert [type(part) for part in (*scope["client"], *scope["server"])] == [str, int] * 2


@CASES(
    ("target", "path", "raw_path", "query"),
    [
        ("/", "/", b"/", b""),
        ("/?", "/", b"/", b""),
        ("/a/b", "/a/b", b"/a/b", b""),
        ("/a%2Fb", "/a/b", b"/a%2Fb", b""),
        ("/%E2%82%AC", "/€", b"/%E2%82%AC", b""),
        ("/%ff", "/\ufffd", b"/%ff", b""),
        ("/%zz%", "/%zz%", b"/%zz%", b""),
        ("//a//", "//a//", b"//a//", b""),
        ("/a?b?c", "/a", b"/a", b"b?c"),
        ("/a+b?c+d&e=%41", "/a+b", b"/a+b", b"c+d&e=%41"),
        ("http://a/b?c", "/b", b"/b", b"c"),
        ("http://a", "/", b"/", b""),
        ("http://a?b", "/", b"/", b"b"),
    ],
)
def test_path_and_query(serve: Serve, target: str, path: str, raw_path: bytes, query: bytes) -> None:
    app = Recorder()
    scope = scope_of(serve(app), app, get(target))
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (path, raw_path, query)


@CASES(("root", "raw"), [("/api", b"/api"), ("/käse", "/käse".encode())])
def test_root_path_stands_in_front(serve: Serve, root: str, raw: bytes) -> None:
    app = Recorder()
    scope = scope_of(serve(app, root_path=root), app, get("/a%20b?c"))
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == (root, root + "/a b", raw + b"/a%20b")


def test_what_requests_have_in_common_is_not_mixed_up(serve: Serve) -> None:
    """Method, version and addresses of one request after another, on one connection and on several."""
    app = Recorder()
    serving = serve(app, host="0.0.0.0")
    port = serving.address[1]
    sent = []
    connections = [socket.create_connection((host, port), 10) for host in ("127.0.0.1", "127.0.0.2")]
    for number in range(12):
        sock = connections[number % 2]
        method = ("GET", "POST", "DELETE")[number % 3]
        version = "1.0" if number >= 10 else "1.1"
        sock.sendall(f"{method} /{number}?{number} HTTP/{version}\r\nHost: a\r\n\r\n".encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")
        sent.append((method, version, f"/{number}", b"%d" % number, sock.getpeername(), sock.getsockname()))
    for sock in connections:
        sock.close()
    keys = ("method", "http_version", "path", "query_string", "server", "client")
    assert [tuple(scope[key] for key in keys) for scope in app.scopes] == sent


@CASES("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "MKACTIVITY"])
def test_method(serve: Serve, method: str) -> None:
    app = Recorder()
    scope = scope_of(serve(app), app, request(method, "/"), method)
    assert scope["method"] == method


def test_header_order_duplicates_and_bytes(serve: Serve) -> None:
    app = Recorder()
    fields = ["B: 1", "A: 2", "b: 3", "Cookie: x", "A: \xe9\xff", "Empty:", "cookie: y", "x-Unknown-N: z z"]
    scope = scope_of(serve(app), app, get("/", *fields))
    assert scope["headers"] == [
        (b"host", b"a"), (b"b", b"1"), (b"a", b"2"), (b"b", b"3"), (b"cookie", b"x"), (b"a", b"\xe9\xff"),
        (b"empty", b""), (b"cookie", b"y"), (b"x-unknown-n", b"z z"),
    ]  # fmt: skip


def test_absolute_target_replaces_host(serve: Serve) -> None:
    app = Recorder()
    scope = scope_of(serve(app), app, get("http://b:81/c"))
    assert scope["headers"] == [(b"host", b"b:81")]


def test_ipv6(serve: Serve) -> None:
    app = Recorder()
    try:
        serving = serve(app, host="::1")
    except AssertionError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with socket.create_connection(("::1", serving.address[1]), 10) as sock:
        sock.sendall(get())
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")
        (scope,) = app.scopes
        assert scope["client"] == sock.getsockname()[:2]
        assert scope["server"] == ("::1", serving.address[1])


def test_unix_socket(serve: Serve, tmp_path: Path) -> None:
    app = Recorder()
    path = str(tmp_path / "s")
    assert serve(app, uds=path).ask_unix(path, get()).status == 200
    (scope,) = app.scopes
    assert (scope["client"], scope["server"]) == (None, (path, None))


def spoil_scope(scope: Scope) -> None:
    for key in ("method", "path", "server", "headers"):
        scope[key] = "spoilt"
    scope["added"] = "spoilt"
    del scope["scheme"]


def spoil_headers(scope: Scope) -> None:
    scope["headers"].append((b"spoilt", b""))
    scope["headers"][0] = (b"spoilt", b"")


def spoil_state(scope: Scope) -> None:
    scope["state"]["spoilt"] = 1
    del scope["state"]["kept"]


def spoil_extensions(scope: Scope) -> None:
    scope["extensions"]["spoilt"] = {}
    del scope["extensions"]["http.response.early_hint"]


class WithState(Recorder):
    """Puts an object into the lifespan's state."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await super().__call__(scope, receive, send)
            return
        await receive()
        self.shared: list[int] = []
        scope["state"]["kept"] = self.shared
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


@CASES("pipelined", [False, True], ids=["one by one", "pipelined"])
@CASES("spoil", [spoil_scope, spoil_headers, spoil_state, spoil_extensions])
def test_no_request_sees_what_another_did_to_its_scope(serve: Serve, spoil: Any, pipelined: bool) -> None:
    app = WithState(spoil)
    serving = serve(app, lifespan="on")
    with serving.connect() as client:
        if pipelined:
            client.send(get() * 2)
            assert [client.response().status for _ in range(2)] == [200, 200]
        else:
            assert [client.ask(get()).status for _ in range(2)] == [200, 200]
    assert serving.ask().status == 200
    first, second, third = ({**scope, "client": None} for scope in app.scopes)
    assert first == second == third
    assert first["scheme"] == "http" and "added" not in first


def test_state_of_the_lifespan_is_shared_by_reference(serve: Serve) -> None:
    app = WithState(lambda scope: scope["state"]["kept"].append(1))
    serving = serve(app, lifespan="on")
    assert [serving.ask().status for _ in range(3)] == [200] * 3
    assert [scope["state"]["kept"] is app.shared for scope in app.scopes] == [True] * 3
    assert app.shared == [1, 1, 1]
