"""examples/django_app, by ASGI and by WSGI: the admin, a login, uploads, static files, the database."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from .client import CONNECTIONS, ask_many
from .server import EXAMPLES, Example, Server
from .tools import curl, needs_curl, needs_wrk, wrk

pytest.importorskip("django")

PROJECT = EXAMPLES / "django_app"
ADMINISTRATOR = {"username": "ada", "password": "a password of the tests"}


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The project on a database of its own, prepared as its page tells the reader to."""
    environment = {
        "DJANGO_DB": str(tmp_path_factory.mktemp("database") / "db.sqlite3"),
        "DJANGO_SUPERUSER_USERNAME": ADMINISTRATOR["username"],
        "DJANGO_SUPERUSER_PASSWORD": ADMINISTRATOR["password"],
    }
    for said in ("created ada", "ada was there already"):
        prepared = subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), "prepare"],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            timeout=60,
        )
        assert said in prepared.stdout
    return Example("django_app", f"guestbook.{request.param}:application", environment)


def csrf_token(page: httpx.Response) -> str:
    found = re.search(r'name="?csrfmiddlewaretoken"? value="(\w+)"', page.text)
    assert found, page.text
    return found[1]


def log_in(client: httpx.Client, where: str, **credentials: str) -> httpx.Response:
    """Fill in the login form at `where` and send it."""
    form = {"csrfmiddlewaretoken": csrf_token(client.get(where)), **credentials}
    return client.post(where, data=form)


def texts(client: httpx.Client) -> list[str]:
    return [note["text"] for note in client.get("/notes.json").json()["notes"]]


def test_login_write_and_log_out(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Log in" in page.text

    assert "correct username and password" in log_in(client, "/login/", username="ada", password="wrong").text
    assert "sessionid" not in client.cookies

    entered = log_in(client, "/login/", **ADMINISTRATOR)
    assert (entered.status_code, entered.headers["location"]) == (302, "/")
    cookies = entered.headers.get_list("set-cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"csrftoken", "sessionid"}
    assert "HttpOnly" in next(cookie for cookie in cookies if cookie.startswith("sessionid="))

    page = client.get("/")
    assert "Log out ada" in page.text
    written = client.post("/", data={"csrfmiddlewaretoken": csrf_token(page), "text": "Grüße <b> & ☕"})
    assert (written.status_code, written.headers["location"]) == (302, "/")
    assert "Grüße &lt;b&gt; &amp; ☕" in client.get("/").text
    assert "Grüße <b> & ☕" in texts(client)

    left = client.post("/logout/", data={"csrfmiddlewaretoken": csrf_token(client.get("/"))})
    assert left.status_code == 302
    assert "Log out" not in client.get("/").text


def test_a_form_without_its_token_is_refused(client: httpx.Client) -> None:
    client.get("/login/")
    assert client.post("/login/", data=ADMINISTRATOR).status_code == 403


def test_a_note_made_in_the_admin(client: httpx.Client) -> None:
    away = client.get("/admin/")
    assert (away.status_code, away.headers["location"]) == (302, "/admin/login/?next=/admin/")
    assert log_in(client, "/admin/login/?next=/admin/", **ADMINISTRATOR).headers["location"] == "/admin/"
    assert "Site administration" in client.get("/admin/").text

    form = client.get("/admin/notes/note/add/")
    author = re.search(r'<option value="(\d+)"[^>]*>ada</option>', form.text)
    assert author
    note = {"csrfmiddlewaretoken": csrf_token(form), "author": author[1], "text": 'From the admin, "quoted"'}
    made = client.post("/admin/notes/note/add/", data={**note, "_save": "Save"})
    assert (made.status_code, made.headers["location"]) == (302, "/admin/notes/note/")
    listed = client.get("/admin/notes/note/")
    assert "was added successfully" in listed.text
    assert "From the admin, &quot;quoted&quot;" in listed.text

    assert 'From the admin, "quoted"' in texts(client)
    rows = list(csv.DictReader(client.get("/notes.csv").text.splitlines()))
    assert [row["text"] for row in rows] == texts(client)
    assert {row["author"] for row in rows} == {"ada"}


@pytest.mark.parametrize("size", [0, 1000, 5_000_000])
def test_upload(client: httpx.Client, size: int) -> None:
    """Beyond 2.5 MB, Django has the file in a temporary one."""
    data = bytes(range(256)) * (size // 256 + 1)
    form = {"csrfmiddlewaretoken": csrf_token(client.get("/digest/"))}
    told = client.post("/digest/", data=form, files={"file": ("Grüße.bin", data)}).json()
    assert told == {"name": "Grüße.bin", "bytes": len(data), "sha256": sha256(data).hexdigest()}


@needs_curl
def test_login_with_curl(server: Server, tmp_path: Path) -> None:
    jar, url = tmp_path / "cookies", f"{server.url}/login/"
    curl("--fail", "-c", str(jar), url)
    token = next(line.split("\t")[6] for line in jar.read_text().splitlines() if "\tcsrftoken\t" in line)
    form = {**ADMINISTRATOR, "csrfmiddlewaretoken": token}
    fields = [word for field in form.items() for word in ("--data-urlencode", "=".join(field))]
    page = curl("--fail", "--location", "-b", str(jar), "-c", str(jar), *fields, url)
    assert b"Log out ada" in page


def test_static_files(client: httpx.Client) -> None:
    style = client.get("/static/notes/style.css")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css")
    assert style.content == (PROJECT / "notes/static/notes/style.css").read_bytes()
    seen = {"If-Modified-Since": style.headers["last-modified"]}
    again = client.get("/static/notes/style.css", headers=seen)
    assert (again.status_code, again.content) == (304, b"")
    assert client.head("/static/notes/style.css").content == b""
    assert client.get("/static/notes/none.css").status_code == 404

    linked = re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/admin/login/").text)
    assert linked
    for path in linked:
        asset = client.get(path)
        assert (asset.status_code, len(asset.content)) == (200, int(asset.headers["content-length"]))


def test_ten_thousand_requests(server: Server) -> None:
    """Django's fastest answer, so that the test takes seconds."""
    ask_many(server.port, lambda number: f"/health?probe={number}", lambda number: b"well %d\n" % number)


def test_hundreds_through_all_the_middleware(server: Server) -> None:
    """Sessions and the like run in threads: each request changes threads several times."""
    ask_many(
        server.port,
        lambda number: f"/hello/{number}",
        lambda number: b"Hello, visitor %d!\n" % number,
        total=10 * CONNECTIONS,
    )


@needs_wrk
@pytest.mark.parametrize("path", ["/health", "/hello/1", "/static/notes/style.css", "/notes.json"])
def test_load(server: Server, path: str) -> None:
    load = wrk(server.url + path)
    assert load.requests > 0
    assert (load.refused, load.socket_errors) == (0, 0)


def test_stop(start: Callable[..., Server]) -> None:
    server = start()
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as client:
        assert log_in(client, "/admin/login/", **ADMINISTRATOR).status_code == 302
        server.stop()
