"""`fastserve bench`: an application of the user's, measured, and one line where it cannot be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")

APP = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        assert open("beside")
        status = 200 if scope["path"] == "/here" else 404
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"hi"})
"""

CORES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 0
two_cores_and_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None or CORES < 2, reason="needs wrk and two cores"
)


def bench(directory: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    (directory / "served.py").write_text(APP)
    (directory / "beside").touch()
    command = [sys.executable, "-m", "fastserve", "bench", "served:app", "--app-dir", str(directory), *words]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env=env, cwd=directory)


@two_cores_and_wrk
def test_two_servers_and_a_verdict(tmp_path: Path) -> None:
    against = f"{sys.executable} -m fastserve {{app}} --app-dir {{dir}} --port {{port}} --no-access-log"
    ran = bench(
        tmp_path, "--path=/here", "--rounds=1", "--seconds=1", "--against", against, "--", "--http=auto"
    )
    assert ran.returncode == 0, ran.stderr
    assert "requests/s" in ran.stdout
    assert "(1 rounds: " in ran.stdout.splitlines()[-1]


@two_cores_and_wrk
def test_a_wrong_answer_is_told(tmp_path: Path) -> None:
    ran = bench(tmp_path, "--path=/elsewhere")
    assert ran.returncode == 1
    assert ran.stderr == "Error: Nothing can be said: fastserve: the answer is b'HTTP/1.1 404 Not Found'\n"


@pytest.mark.skipif(CORES < 2, reason="needs two cores")
def test_without_wrk_one_line_says_what_to_install(tmp_path: Path) -> None:
    ran = bench(tmp_path, PATH=str(tmp_path))
    assert ran.returncode == 1
    assert ran.stderr == "Error: wrk is missing: install it (apt install wrk, dnf install wrk).\n"


@two_cores_and_wrk
def test_an_unknown_server_is_told(tmp_path: Path) -> None:
    ran = bench(tmp_path, "--against=nonesuch")
    assert ran.returncode == 2
    assert "none of uvicorn, granian, and no command with {port}" in ran.stderr
