"""Whose word is taken for where a request began? The peer of these tests is 127.0.0.1, trusted by default."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from fastserve.testing import serve

from .exchange import Delivery
from .seen import Seen
from .servers import HTTP_IMPLEMENTATIONS, Server

CASES = pytest.mark.parametrize

#: What a client may send to be taken for somebody else.
FORGED = [
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Port: 444",
    'Forwarded: for=6.6.6.6;proto=https;host="evil.example"',
    "X-Real-IP: 6.6.6.6",
    "X-Forwarded-Prefix: /evil",
]


def request(*fields: str, version: str = "1.1") -> bytes:
    lines = [f"GET / HTTP/{version}", "Host: a", *fields, "Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def seen_by(deliver: Delivery, data: bytes, profile: str = "plain") -> Seen:
    (seen,) = deliver(data, profile=profile).seen
    return seen


def names(seen: Seen) -> list[str]:
    return [name for name, _ in seen.headers]


# ---- row 45: forwarded headers from a peer that is not trusted ----


def test_row_45_a_stranger_is_not_believed(deliver: Delivery) -> None:
    seen = seen_by(deliver, request(*FORGED), "strangers")
    assert (seen.client, seen.scheme) == ("127.0.0.1", "http")
    assert seen.header("host") == ["a"]
    assert len(seen.headers) == 2 + len(FORGED)  # as it came: the application sees what was claimed


def test_row_45_what_a_stranger_says_can_be_removed(deliver: Delivery) -> None:
    seen = seen_by(deliver, request("X-One: 1", *FORGED, "X-Two: 2", FORGED[0], "X-Forward: 3"), "stripped")
    assert (seen.client, seen.scheme) == ("127.0.0.1", "http")
    assert names(seen) == ["host", "x-one", "x-two", "x-forward", "connection"]


def test_row_45_what_no_trusted_proxy_sets_is_not_believed(deliver: Delivery) -> None:
    """A proxy that sets X-Forwarded-For passes on the client's Forwarded and X-Forwarded-Host."""
    seen = seen_by(deliver, request(*FORGED[2:], "X-Forwarded-For: 1.2.3.4"))
    assert (seen.client, seen.scheme) == ("1.2.3.4", "http")
    assert seen.header("host") == ["a"]


def test_row_45_who_trusts_every_address_of_a_chain_still_stops_at_a_stranger(deliver: Delivery) -> None:
    data = request("X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 1.2.3.4, 10.0.0.1", "Host2: b")
    assert seen_by(deliver, data, "every forwarded header").client == "1.2.3.4"


# ---- what a trusted peer says ----


@CASES(
    ("fields", "client", "scheme"),
    [
        (["X-Forwarded-For: 1.2.3.4"], "1.2.3.4", "http"),
        (["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 1.2.3.4"], "1.2.3.4", "http"),
        (["x-forwarded-for: [2001:db8::1]:5", "X-FORWARDED-PROTO: https"], "2001:db8::1", "https"),
        (["X-Forwarded-For: \xff\xfe", "X-Forwarded-Proto: \xff"], "127.0.0.1", "http"),
        (["X-Forwarded-For:", "X-Forwarded-Proto:"], "127.0.0.1", "http"),
        (["X_Forwarded_For: 6.6.6.6"], "127.0.0.1", "http"),
        (["X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: \x85"], "127.0.0.1", "http"),
    ],
)
def test_client_and_scheme(deliver: Delivery, fields: list[str], client: str, scheme: str) -> None:
    seen = seen_by(deliver, request(*fields))
    assert (seen.client, seen.scheme) == (client, scheme)
    assert len(seen.headers) == 2 + len(fields)


def test_host_and_port(deliver: Delivery) -> None:
    data = request("X-Forwarded-Host: b.example", "X-Forwarded-Port: 8443", "X-Forwarded-Proto: https")
    seen = seen_by(deliver, data, "every forwarded header")
    assert seen.header("host") == ["b.example:8443"]
    assert names(seen)[0] == "host"
    assert seen.scheme == "https"


def test_forwarded(deliver: Delivery) -> None:
    data = request(
        'Forwarded: for=6.6.6.6;host=x, for="[2001:db8::1]";proto=https;host=b', "Forwarded: for=10.0.0.1"
    )
    seen = seen_by(deliver, data, "every forwarded header")
    assert (seen.client, seen.scheme) == ("2001:db8::1", "https")
    assert seen.header("host") == ["b"]


def test_a_request_says_nothing_of_the_next(server: Server) -> None:
    """On one connection, as a proxy's requests come; with fields that the parser shares between them."""
    with server.connect() as client:
        hosts = []
        for field in (
            "X-Forwarded-For: 1.1.1.1",
            "X-A: 1",
            "X-Forwarded-For: 2.2.2.2",
            "X-Forwarded-Proto: https",
        ):
            answer = client.ask(f"GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n".encode()).json()
            hosts.append((answer["client"], answer["scheme"]))
    assert hosts == [("1.1.1.1", "http"), ("127.0.0.1", "http"), ("2.2.2.2", "http"), ("127.0.0.1", "https")]


def test_a_replaced_host_stays_out_of_other_requests(pool: Any, http: str) -> None:
    running = pool.get(http, "every forwarded header")
    with running.connect() as client:
        for field, host in (
            ("X-Forwarded-Host: evil", "evil"),
            ("X-A: 1", "a"),
            ("X-Forwarded-Host: b", "b"),
        ):
            answer = client.ask(f"GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n".encode()).json()
            assert ["host", host] in answer["headers"]


def test_the_access_log_shows_the_client(server: Server) -> None:
    with server.connect() as client:
        client.ask(b"GET /of-a-client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7:99\r\n\r\n")
    server.await_output(r'(?m)^INFO:     203\.0\.113\.7:99 - "GET /of-a-client HTTP/1\.1" 200 OK$')


# ---- the options, as the server takes them ----


Scope = dict[str, Any]


class Recorder:
    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(dict(scope))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


def scope_of(data: bytes, **options: Any) -> Scope:
    app = Recorder()
    with serve(app, lifespan="off", **options) as served:
        family = socket.AF_UNIX if served.port is None else socket.AF_INET
        with socket.socket(family) as client:
            client.settimeout(10)
            client.connect(served.host if served.port is None else (served.host, served.port))
            client.sendall(data)
            while client.recv(4096):
                pass
    (scope,) = app.scopes
    return scope


FROM = request("X-Forwarded-For: 1.2.3.4")


def test_proxy_headers_can_be_left_alone() -> None:
    assert scope_of(FROM)["client"] == ("1.2.3.4", 0)
    assert scope_of(FROM, proxy_headers=False)["client"][0] == "127.0.0.1"
    stripped = scope_of(FROM, proxy_headers=False, strip_untrusted_forwarded=True)
    assert [name for name, _ in stripped["headers"]] == [b"host", b"connection"]


def test_the_environment_names_the_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "192.0.2.1")
    assert scope_of(FROM)["client"][0] == "127.0.0.1"
    assert scope_of(FROM, forwarded_allow_ips="127.0.0.0/8")["client"] == ("1.2.3.4", 0)
    assert scope_of(FROM, forwarded_allow_ips=["192.0.2.1", "127.0.0.1"])["client"] == ("1.2.3.4", 0)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert scope_of(FROM)["client"] == ("1.2.3.4", 0)


@CASES(
    ("allowed", "client"),
    [
        (None, None),
        ("127.0.0.1", None),
        ("unix:", ("1.2.3.4", 0)),
        ("*", ("1.2.3.4", 0)),
        ("unix:/no/such.sock", None),
        ("unix:PATH", ("1.2.3.4", 0)),
    ],
)
@CASES("loop", ["uvloop", "asyncio"])
def test_a_peer_behind_a_unix_socket(tmp_path: Path, loop: str, allowed: str | None, client: Any) -> None:
    """As with uvicorn, it is not trusted unless that is asked for."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    path = str(tmp_path / "app.sock")
    options = {} if allowed is None else {"forwarded_allow_ips": allowed.replace("PATH", path)}
    assert scope_of(FROM, uds=path, loop=loop, **options)["client"] == client


def test_the_server_that_the_client_asked() -> None:
    headers = "x-forwarded-host,x-forwarded-port"
    data = request("X-Forwarded-Host: b.example", "X-Forwarded-Port: 81")
    assert scope_of(data, forwarded_headers=headers)["server"] == ("b.example", 81)
    assert scope_of(request("X-Forwarded-Port: 81"), forwarded_headers=headers)["server"] == ("127.0.0.1", 81)


def test_a_host_where_there_was_none() -> None:
    data = b"GET / HTTP/1.0\r\nX-Forwarded-Host: b.example\r\n\r\n"
    assert scope_of(data, forwarded_headers=["x-forwarded-host"])["headers"][-1] == (b"host", b"b.example")


def test_more_clients_than_are_remembered() -> None:
    app = Recorder()
    with (
        serve(app, lifespan="off") as served,
        socket.create_connection((served.host, served.port or 0)) as client,
    ):
        client.settimeout(10)
        for number in range(2500):
            field = f"X-Forwarded-For: 10.1.{number // 250}.{number % 250}"
            client.sendall(f"GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n".encode())
            client.recv(4096)
    assert [scope["client"][0] for scope in app.scopes] == [f"10.1.{n // 250}.{n % 250}" for n in range(2500)]


def test_an_entry_that_means_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with serve(
        Recorder(), lifespan="off", http=HTTP_IMPLEMENTATIONS[0], forwarded_allow_ips="nginx,127.0.0.1"
    ):
        pass
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["forwarded_allow_ips: 'nginx' is neither an address nor a network: ignored"]


# ---- root_path ----


@CASES("is_stripped", [True, False])
def test_the_path_holds_the_root_path_once(is_stripped: bool) -> None:
    target = "/b" if is_stripped else "/a/b"
    data = f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    scope = scope_of(data, root_path="/a", root_path_stripped=is_stripped)
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == ("/a", "/a/b", b"/a/b")
