"""Bottle, Pyramid, and httpbin: applications that others have written, by WSGI."""

from __future__ import annotations

import base64
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .server import Example, running

BOTTLE = """
import bottle

app = bottle.Bottle()

@app.get("/hello/<name>")
def hello(name):
    return {"hello": name, "cookie": bottle.request.get_cookie("c", "")}

@app.post("/form")
def form():
    bottle.response.set_cookie("c", "1")
    return bottle.request.forms.name + " " + bottle.request.files.file.file.read().decode()

@app.get("/stream")
def stream():
    for number in range(5):
        yield f"{number} "

@app.get("/file")
def file():
    return bottle.static_file("application.py", root=__file__.rpartition("/")[0])
"""


PYRAMID = """
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import FileResponse, Response

def hello(request):
    return {"hello": request.matchdict["name"], "cookie": request.cookies.get("c", "")}

def form(request):
    answer = Response(request.POST["name"] + " " + request.POST["file"].file.read().decode())
    answer.set_cookie("c", "1")
    return answer

def stream(request):
    return Response(app_iter=(b"%d " % number for number in range(5)), content_type="text/plain")

with Configurator() as config:
    for name, view, path, renderer in (
        ("hello", hello, "/hello/{name}", "json"),
        ("form", form, "/form", None),
        ("stream", stream, "/stream", None),
        ("file", lambda request: FileResponse(__file__, request), "/file", None),
        ("there", lambda request: HTTPSeeOther(request.route_url("hello", name="you")), "/there", None),
    ):
        config.add_route(name, path)
        config.add_view(view, route_name=name, renderer=renderer)
    app = config.make_wsgi_app()
"""


def served(directory: Path, source: str, app: str = "application:app") -> Iterator[httpx.Client]:
    (directory / "application.py").write_text(textwrap.dedent(source))
    with running(Example(str(directory), app), directory) as server:
        with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as client:
            yield client
        server.stop()


@pytest.fixture(scope="module")
def bottle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    pytest.importorskip("bottle")
    yield from served(tmp_path_factory.mktemp("bottle"), BOTTLE)


@pytest.fixture(scope="module")
def pyramid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    pytest.importorskip("pyramid")
    yield from served(tmp_path_factory.mktemp("pyramid"), PYRAMID)


@pytest.fixture(scope="module")
def httpbin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    pytest.importorskip("httpbin")
    yield from served(tmp_path_factory.mktemp("httpbin"), "from httpbin import app")


def test_bottle(bottle: httpx.Client) -> None:
    assert bottle.get("/hello/%C3%A9").json() == {"hello": "é", "cookie": ""}
    form = bottle.post("/form", data={"name": "Ada"}, files={"file": ("x", b"text")})
    assert form.text == "Ada text"
    assert bottle.get("/hello/you").json()["cookie"] == "1"
    assert bottle.get("/stream").text == "0 1 2 3 4 "
    assert "import bottle" in bottle.get("/file").text
    assert bottle.get("/none").status_code == 404


def test_pyramid(pyramid: httpx.Client) -> None:
    assert pyramid.get("/hello/%C3%A9").json() == {"hello": "é", "cookie": ""}
    form = pyramid.post("/form", data={"name": "Ada"}, files={"file": ("x", b"text")})
    assert form.text == "Ada text"
    assert pyramid.get("/there", follow_redirects=True).json() == {"hello": "you", "cookie": "1"}
    assert pyramid.get("/stream").text == "0 1 2 3 4 "
    assert "import Configurator" in pyramid.get("/file").text
    assert pyramid.get("/none").status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_httpbin_sees_what_was_sent(httpbin: httpx.Client, method: str) -> None:
    told = httpbin.request(
        method, "/anything/a%2Fb", params={"q": ["1", "2"]}, content=b'{"x": 1}', headers={"X-Own": "y"}
    ).json()
    assert told["method"] == method
    assert told["args"] == {"q": ["1", "2"]}
    assert told["json"] == {"x": 1}
    assert told["headers"]["X-Own"] == "y"
    assert told["origin"] == "127.0.0.1"
    assert told["url"].startswith(f"{str(httpbin.base_url).rstrip('/')}/anything/a")


def test_httpbin_forms_and_files(httpbin: httpx.Client) -> None:
    told = httpbin.post("/post", data={"a": "1"}, files={"f": ("n", b"text")}).json()
    assert (told["form"], told["files"]) == ({"a": "1"}, {"f": "text"})


@pytest.mark.parametrize("status", [200, 204, 206, 304, 400, 404, 418, 500, 503])
def test_httpbin_statuses(httpbin: httpx.Client, status: int) -> None:
    assert httpbin.get(f"/status/{status}").status_code == status


def test_httpbin_redirects_and_cookies(httpbin: httpx.Client) -> None:
    assert httpbin.get("/redirect/3", follow_redirects=True).url.path == "/get"
    httpbin.get("/cookies/set?k=v", follow_redirects=True)
    assert httpbin.get("/cookies").json() == {"cookies": {"k": "v"}}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_httpbin_codings(httpbin: httpx.Client, coding: str) -> None:
    assert httpbin.get(f"/{coding}").json()["method"] == "GET"


def test_httpbin_streams(httpbin: httpx.Client) -> None:
    lines = httpbin.get("/stream/20").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(range(20))
    assert len(httpbin.get("/stream-bytes/100000?seed=1").content) == 100_000
    assert len(httpbin.get("/drip?duration=0.1&numbytes=10&delay=0").content) == 10


def test_httpbin_ranges_and_heads(httpbin: httpx.Client) -> None:
    part = httpbin.get("/range/1000", headers={"Range": "bytes=10-19"})
    assert (part.status_code, len(part.content)) == (206, 10)
    assert httpbin.head("/bytes/100").headers["content-length"] == "100"
    assert httpbin.options("/get").headers["allow"]


def test_httpbin_authentication_and_caches(httpbin: httpx.Client) -> None:
    assert httpbin.get("/basic-auth/u/p").status_code == 401
    assert httpbin.get("/basic-auth/u/p", auth=("u", "p")).json()["authenticated"] is True
    assert httpbin.get("/digest-auth/auth/u/p", auth=httpx.DigestAuth("u", "p")).status_code == 200
    etag = {"If-None-Match": '"x"'}
    assert httpbin.get("/etag/x", headers=etag).status_code == 304
    assert httpbin.get("/base64/" + base64.urlsafe_b64encode(b"text").decode()).text == "text"
