"""`--http`: which implementation of HTTP/1 serves, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastserve.core import CORES, find
from fastserve.errors import StartupError

from .process import running


def is_there(http: str) -> bool:
    try:
        find(http)
    except StartupError:
        return False
    return True


#: Has Python not find the extension modules, as where they were not built; and h11 neither, if told.
HIDING = """
import importlib.abc, sys

class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.startswith(HIDDEN):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
"""
NATIVE = (
    *("fastserve.asgi.driver", "fastserve.h1.", "fastserve.loop_watch", "fastserve.net."),
    *("fastserve.stream.", "fastserve.reference._llhttp"),
)


@pytest.fixture
def hidden(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that has no extension modules."""
    (tmp_path / "sitecustomize.py").write_text(f"HIDDEN = {NATIVE}\n{HIDING}")
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize("http", CORES)
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_each_implementation_serves(tmp_path: Path, http: str, loop: str) -> None:
    if not is_there(http):
        pytest.skip(f"{http} is not there")
    words = ("--port", "0", "--http", http, "--loop", loop, "--header", "X-A: b", "--limit-max-requests", "2")
    with running(tmp_path, *words) as process:
        for _ in range(2):
            headers, body = process.get("/")
            assert body == "hello"
            assert headers["x-a"] == "b"
        assert process.end() == 0
        assert process.output.count('"GET / HTTP/1.1" 200 OK') == 2
        assert not [line for line in process.lines if line.startswith(("WARNING", "ERROR"))]


def test_auto_says_where_it_has_nothing_better(tmp_path: Path, hidden: dict[str, str]) -> None:
    if not is_there("h11"):
        pytest.skip("h11 is not there")
    with running(tmp_path, "--port", "0", environment=hidden) as process:
        assert process.get("/")[1] == "hello"
        (line,) = [line for line in process.lines if line.startswith("WARNING")]
        assert line.startswith("WARNING:  HTTP/1 by the slower server in plain Python, h11: cython needs ")
        assert process.terminate() in (0, -15)


def test_none_is_there(tmp_path: Path, hidden: dict[str, str]) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"HIDDEN = {(*NATIVE, 'h11')}\n{HIDING}")
    with running(tmp_path, "--port", "0", environment=hidden) as process:
        assert process.end() == 3
        assert "Cannot use --http auto: cython needs " in process.output
        assert "h11 needs h11: pip install 'fastserve[h11]'." in process.output
        assert "Traceback" not in process.output
