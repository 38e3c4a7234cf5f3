"""A Django project moves from gunicorn by another command, as docs/wsgi.md translates it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .server import EXAMPLES, START_TIMEOUT_S, Example, running

pytest.importorskip("django")
pytest.importorskip("gunicorn")

PROJECT = EXAMPLES / "django_app"
#: What differs from answer to answer, or is a server's own.
_OTHERS = {"date", "expires", "server", "connection", "content-length", "transfer-encoding", "set-cookie"}


@contextlib.contextmanager
def gunicorn(directory: Path, environment: dict[str, str]) -> Iterator[str]:
    """``gunicorn guestbook.wsgi``; yields its URL."""
    command = [sys.executable, "-m", "gunicorn", "guestbook.wsgi", "--chdir", str(PROJECT)]
    command += ["-b", "127.0.0.1:0", "-k", "gthread", "--threads", "4", "--no-control-socket"]
    process = subprocess.Popen(
        command, cwd=directory, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if found := re.search(r"Listening at: (http://127\.0\.0\.1:\d+)", line):
                yield found[1]
                break
        else:
            pytest.skip(f"gunicorn does not start here: {said}")
    finally:
        process.terminate()
        process.communicate(timeout=START_TIMEOUT_S)


def answers(url: str) -> list[tuple[int, str, list[tuple[str, str]], str]]:
    found = []
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        for path in ("/", "/login/", "/admin/login/", "/notes.json", "/missing%20page", "/admin"):
            answer = client.get(path)
            fields = sorted((name, value) for name, value in answer.headers.items() if name not in _OTHERS)
            body = re.sub(r'value="?\w{64}"?', "", answer.text.replace(url, ""))
            found.append((answer.status_code, answer.reason_phrase, fields, body))
    return found


def test_the_answers_are_those_of_gunicorn(tmp_path: Path) -> None:
    own = {
        "DJANGO_DB": str(tmp_path / "db.sqlite3"),
        "DJANGO_SUPERUSER_USERNAME": "ada",
        "DJANGO_SUPERUSER_PASSWORD": "a password of the tests",
    }
    environment = {**os.environ, **own}
    manage = [sys.executable, str(PROJECT / "manage.py"), "prepare"]
    subprocess.run(manage, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=60)
    with gunicorn(tmp_path, environment) as url:
        before = answers(url)
    example = Example("django_app", "guestbook.wsgi:application", own)
    with running(example, tmp_path, "--wsgi-threads", "4") as server:
        after = answers(server.url)
        server.terminate()
        server.check_stopped(excused="Not Found")
    assert [answer[:2] for answer in before][:2] == [(200, "OK")] * 2
    assert after == before
