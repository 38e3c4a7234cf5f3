"""What do users install, and does it serve?

`make packaging` runs this, and `make test` does not: it takes minutes and a network.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from build_support.llhttp import CARRIED_FILES

from .environment import new_environment, pip, pip_fails

APP = """
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""


def assert_serves(python: Path, directory: Path) -> None:
    """Serve an application with the command that was installed beside `python`, and ask it."""
    (directory / "hello.py").write_text(APP)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        # A client's connection waits in the backlog until the server takes it.
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        descriptor = listening.fileno()
        server = subprocess.Popen(
            [python.with_name("fastserve"), "hello:app", "--fd", str(descriptor)],
            cwd=directory,
            pass_fds=[descriptor],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        # Not through a proxy that the environment names.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=30) as response:
            assert response.read() == b"ok"
    finally:
        server.terminate()
        said, _ = server.communicate(timeout=30)
    assert server.returncode in (0, -15), said


def test_sdist_holds_all_that_a_build_and_its_tests_need(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"third_party/llhttp/{name}" for name in CARRIED_FILES} <= names
    assert {"setup.py", "build_support/commands.py", "csrc/parser.c", "fastserve/h1/connection.pyx"} <= names
    assert {"Makefile", "tests/conftest.py", "LICENSE", "README.md", "CHANGELOG.md"} <= names
    assert [name for name in names if name.endswith((".so", ".pyc", ".o", ".a"))] == []


def test_wheel_holds_the_package_and_its_licences_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        notice = archive.read(f"{info}/licenses/llhttp/LICENSE").decode()
    assert {name.partition("/")[0] for name in names} == {"fastserve", info}
    assert [name for name in names if name.endswith((".pyx", ".c", ".h", ".a"))] == []
    assert {"fastserve/py.typed", "fastserve/h1/connection.pxd"} <= names
    assert any(name.startswith("fastserve/h1/connection.") and name.endswith(".so") for name in names)
    assert f"{info}/licenses/LICENSE" in names
    assert "MIT License" in notice
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "BSD-3-Clause"


def test_wheel_serves(wheel: Path, tmp_path: Path) -> None:
    python = new_environment(tmp_path / "venv")
    pip(python, "install", str(wheel))
    assert_serves(python, tmp_path)


def test_editable_installation_serves(checkout: Path, tmp_path: Path) -> None:
    python = new_environment(tmp_path / "venv")
    pip(python, "install", "--editable", str(checkout))
    assert_serves(python, tmp_path)


def test_pure_installation_needs_no_compiler_and_serves(fresh_checkout: Path, tmp_path: Path) -> None:
    python = new_environment(tmp_path / "venv")
    pip(python, "install", f"{fresh_checkout}[h11]", FASTSERVE_PURE="1", CC="no-such-compiler")
    assert list((tmp_path / "venv").rglob("fastserve/**/*.so")) == []
    assert_serves(python, tmp_path)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of an environment that has what a build requires and what fastserve depends on."""
    python = new_environment(tmp_path_factory.mktemp("prepared") / "venv")
    pip(python, "install", "--upgrade", "setuptools>=77", "Cython>=3.1,<4", "click>=8.1", "uvloop>=0.22")
    return python


class TestWithoutANetwork:
    def test_sdist_installs_and_serves(self, prepared: Path, sdist: Path, tmp_path: Path) -> None:
        pip(prepared, "install", "--no-index", "--no-build-isolation", str(sdist), PIP_NO_INDEX="1")
        assert_serves(prepared, tmp_path)

    def test_sources_of_the_user_s_own_build_a_checkout(
        self, prepared: Path, fresh_checkout: Path, sdist: Path, tmp_path: Path
    ) -> None:
        with tarfile.open(sdist) as archive:
            for member in archive.getmembers():
                _, _, name = member.name.partition("/third_party/llhttp/")
                if name in CARRIED_FILES:
                    content = archive.extractfile(member)
                    assert content is not None
                    (tmp_path / name).parent.mkdir(exist_ok=True)
                    (tmp_path / name).write_bytes(content.read())
        offline = {"PIP_NO_INDEX": "1", "FASTSERVE_LLHTTP_DIR": str(tmp_path)}
        pip(prepared, "install", "--no-index", "--no-build-isolation", str(fresh_checkout), **offline)
        assert_serves(prepared, tmp_path)

    def test_checkout_says_in_one_line_what_to_do(self, prepared: Path, fresh_checkout: Path) -> None:
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PKG_CONFIG": "no-such-pkg-config"}
        said = pip_fails(
            prepared, "install", "--no-index", "--no-build-isolation", str(fresh_checkout), **offline
        )
        (line,) = [line for line in said.splitlines() if "fastserve: no llhttp" in line]
        assert "FASTSERVE_LLHTTP_DIR" in line
        assert "Traceback" not in said


def test_make_says_what_a_machine_lacks(checkout: Path, tmp_path: Path) -> None:
    """With a compiler that does not exist, before anything is made."""
    done = subprocess.run(
        ["make", "test", f"PYTHON={sys.executable}", f"VENV={tmp_path}/venv"],
        cwd=checkout,
        env={**os.environ, "CC": "no-such-compiler"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == "no C compiler (no-such-compiler): apt-get install gcc libc6-dev"
    assert not (tmp_path / "venv").exists()
