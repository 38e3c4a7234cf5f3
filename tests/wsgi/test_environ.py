"""What does the environ say? (PEP 3333, "environ Variables"; RFC 3875, 4.1)"""

from __future__ import annotations

import sys
from typing import Any

import pytest
from asgi.serving import get, request, until

import fastserve
from fastserve.request_context import REQUEST_ID

from .apps import PLAIN, Environ, Seeing, StartResponse, valid
from .conftest import Serve


def seen(serve: Serve, data: bytes, **options: Any) -> Environ:
    """The environ of this request. wsgiref.validate has found nothing wrong with it."""
    app = Seeing()
    response = serve(valid(app), **options).ask(data)
    assert (response.status, response.body) == (200, b"ok"), response.body
    return app.environ


def test_the_variables_of_a_get(serve: Serve, driver: str) -> None:
    app = Seeing()
    serving = serve(valid(app))
    with serving.connect() as client:
        assert client.ask(get("/a/b?c=d%20e&f", "User-Agent: x")).body == b"ok"
        port = client.port
    environ = app.environ
    assert environ.pop("wsgi.input") is not None
    assert environ.pop("wsgi.errors") is not None
    assert environ == {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a/b",
        "QUERY_STRING": "c=d%20e&f",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(serving.address[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": f"fastserve/{fastserve.__version__}",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "a",
        "HTTP_USER_AGENT": "x",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": driver == "threads",
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "fastserve.client": ("127.0.0.1", port),
        "fastserve.raw_path": "/a/b",
    }


def test_optional_callables_are_there(serve: Serve) -> None:
    names: list[str] = []

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        names.extend(name for name, value in environ.items() if callable(value))
        start_response("200 OK", [*PLAIN])
        return []

    serve(valid(app)).ask()
    assert sorted(names) == ["wsgi.early_hints", "wsgi.file_wrapper"]


@pytest.mark.parametrize(("workers", "variable"), [(2, ""), (None, "3")])
def test_processes_are_told_of(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, workers: int | None, variable: str
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", variable)
    assert seen(serve, get(), workers=workers)["wsgi.multiprocess"] is True


def test_errors_go_to_stderr(serve: Serve) -> None:
    app = Seeing()
    serve(app).ask()  # the validator would put its own in between
    assert app.environ["wsgi.errors"] is sys.stderr


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "OPTIONS"])
def test_methods(serve: Serve, method: str) -> None:
    assert seen(serve, request(method, "/", body=b""))["REQUEST_METHOD"] == method


def test_head(serve: Serve) -> None:
    app = Seeing()
    response = serve(valid(app)).ask(get().replace(b"GET", b"HEAD"), "HEAD")
    assert (response.status, response.body) == (200, b"")
    assert app.environ["REQUEST_METHOD"] == "HEAD"


def test_http_1_0(serve: Serve) -> None:
    assert seen(serve, b"GET / HTTP/1.0\r\n\r\n")["SERVER_PROTOCOL"] == "HTTP/1.0"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/caf%C3%A9", "/caf\xc3\xa9"),
        ("/%FF%00x", "/\xff\x00x"),  # bytes, whatever they are: nothing is lost as it would be in UTF-8
        ("/a%2Fb%25", "/a/b%"),
        ("/a%zz", "/a%zz"),
        ("//a", "//a"),
        ("http://a/x", "/x"),
        ("http://a", "/"),
    ],
)
def test_path_info_is_decoded_as_latin_1(serve: Serve, target: str, path: str) -> None:
    environ = seen(serve, get(target))
    assert environ["PATH_INFO"] == path
    if target.startswith("/"):
        assert environ["fastserve.raw_path"] == target


def test_options_of_the_server_as_a_whole(serve: Serve) -> None:
    environ = seen(serve, request("OPTIONS", "*"))
    assert (environ["PATH_INFO"], environ["fastserve.raw_path"]) == ("", "*")


@pytest.mark.parametrize("root_path", ["/api", "/api/", "api"])
def test_script_name_of_a_proxy_that_strips(serve: Serve, root_path: str) -> None:
    environ = seen(serve, get("/x"), root_path=root_path)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/api", "/x")


@pytest.mark.parametrize(
    ("target", "script_name", "path_info"),
    [
        ("/api/x", "/api", "/x"),
        ("/api", "/api", ""),
        ("/%61pi/x", "/api", "/x"),
        ("/apix", "", "/apix"),
        ("/x", "", "/x"),
    ],
)
def test_script_name_of_a_proxy_that_does_not(
    serve: Serve, target: str, script_name: str, path_info: str
) -> None:
    environ = seen(serve, get(target), root_path="/api", root_path_stripped=False)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script_name, path_info)


def test_script_name_is_latin_1_too(serve: Serve) -> None:
    assert seen(serve, get(), root_path="/caf\xe9")["SCRIPT_NAME"] == "/caf\xc3\xa9"


def test_header_fields(serve: Serve) -> None:
    fields = ("X-A: \xe9\xff", "x-b.c: 1", "Accept: a", "accept: b", "Cookie: a=1", "Cookie: b=2", "Empty:")
    environ = seen(serve, get("/", *fields))
    assert environ["HTTP_X_A"] == "\xe9\xff"
    assert environ["HTTP_X_B.C"] == "1"
    assert environ["HTTP_ACCEPT"] == "a,b"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_EMPTY"] == ""


def test_equal_values_of_one_name_are_two(serve: Serve) -> None:
    assert seen(serve, get("/", "X: a", "X: a", "X: a"))["HTTP_X"] == "a,a,a"


def test_row_44_a_name_with_an_underscore_is_no_alias(serve: Serve) -> None:
    fields = (
        "X_Forwarded_For: 6.6.6.6",
        "X-Forwarded-For: 9.9.9.9",
        "X_Forwarded-For: 6.6.6.6",
        "X_Other: 1",
    )
    environ = seen(serve, get("/", *fields, "Content_Length: 7", "Content_Type: x"), forwarded_allow_ips="")
    assert environ["HTTP_X_FORWARDED_FOR"] == "9.9.9.9"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    named = {"HTTP_X_OTHER", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE"}
    assert named & {*environ} == set()
    assert "6.6.6.6" not in "".join(map(str, environ.values()))


def test_content_type_and_length(serve: Serve) -> None:
    environ = seen(serve, request("POST", "/", "Content-Type: text/x", body=b"abc"))
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/x", "3")
    assert {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} & {*environ} == set()


def test_a_body_of_unknown_length_has_none(serve: Serve) -> None:
    environ = seen(serve, request("POST", "/", "Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n\r\n")
    assert "CONTENT_LENGTH" not in environ
    assert environ["wsgi.input_terminated"] is True


def test_behind_a_proxy(serve: Serve) -> None:
    fields = ("X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https")
    environ = seen(serve, get("/", *fields))
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("1.2.3.4", "https")


def test_a_unix_socket_has_names_all_the_same(serve: Serve, tmp_path: Any) -> None:
    app = Seeing()
    path = str(tmp_path / "s")
    assert serve(valid(app), uds=path).ask_unix(path, get()).body == b"ok"
    assert app.environ["REMOTE_ADDR"] == ""
    assert (app.environ["SERVER_NAME"], app.environ["SERVER_PORT"]) == ("localhost", "80")


def test_ipv6_is_in_brackets(serve: Serve) -> None:
    import socket

    app = Seeing()
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    serving = serve(valid(app), host="::1")
    with socket.create_connection(serving.address[:2]) as client:
        client.sendall(get("/", "Connection: close"))
        while client.recv(65536):
            pass
    assert (app.environ["SERVER_NAME"], app.environ["REMOTE_ADDR"]) == ("[::1]", "::1")


def test_what_is_kept_of_fields_is_no_secret_and_no_others(serve: Serve) -> None:
    """Fields that come again and again are read once. What the next request says is its own all the same."""
    secrets: list[str] = []
    seen: list[Environ] = []

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        secrets.append(environ.pop("HTTP_AUTHORIZATION"))
        seen.append({name: value for name, value in environ.items() if name.startswith("HTTP_")})
        start_response("200 OK", [*PLAIN])
        return [b"ok"]

    serving = serve(app)
    asked = [(agent, number) for number in range(3) for agent in ("one", "two")]
    with serving.connect() as client:
        for agent, number in asked:
            own = (f"Authorization: Basic {number}", f"X-Own: {number}", f"Cookie: c={number}")
            client.ask(get("/", "Accept: a", "Accept: b", f"User-Agent: {agent}", *own))
    assert seen == [
        {
            "HTTP_HOST": "a",
            "HTTP_ACCEPT": "a,b",
            "HTTP_USER_AGENT": agent,
            "HTTP_X_OWN": str(number),
            "HTTP_COOKIE": f"c={number}",
        }
        for agent, number in asked
    ]
    kept = ["".join(["Basic ", "9"])]
    counts = lambda strings: {sys.getrefcount(strings[at]) for at in range(len(strings))}  # noqa: E731
    until(lambda: counts(secrets) == counts(kept), lambda: f"somebody keeps them: {counts(secrets)}")


def test_an_environ_is_the_applications_own(serve: Serve) -> None:
    """What it puts into one is in no other; PEP 3333 has it a dict that may be modified in any way."""
    sizes: list[int] = []

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        assert type(environ) is dict
        sizes.append(len(environ))
        environ["REQUEST_METHOD"] = "MINE"
        environ["mine"] = 1
        start_response("200 OK", [*PLAIN])
        return [b"ok"]

    serving = serve(app)
    with serving.connect() as client:
        for _ in range(3):
            assert client.ask(get()).body == b"ok"
    assert len(set(sizes)) == 1


def test_the_name_of_a_request(serve: Serve) -> None:
    """It is in the environ, in what is logged meanwhile, and in the server's own line about a failure."""

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        names.append((environ["fastserve.request_id"], environ["fastserve.traceparent"], REQUEST_ID.get()))
        raise ZeroDivisionError

    names: list[tuple[str, str, str | None]] = []
    serving = serve(app, request_id=True)
    assert serving.ask(get("/a", "X-Request-ID: abc-1")).status == 500
    ((name, trace, logged),) = names
    assert (name, logged) == ("abc-1", "abc-1")
    assert trace.startswith("00-")
    (error,) = serving.errors()
    assert error.startswith("Exception in WSGI application (GET /a, request abc-1)")
