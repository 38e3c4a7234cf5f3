"""The load clients are compiled without a warning, and fail with one line."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench.clients import SOURCES, built

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="they wait by epoll"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler"),
]


@pytest.mark.parametrize("source", sorted(SOURCES.glob("*.c")), ids=lambda path: path.stem)
def test_it_has_no_warning_and_tells_that_nobody_listens(source: Path, tmp_path: Path) -> None:
    subprocess.run(
        ["cc", "-Wall", "-Wextra", "-Werror", "-O1", "-fsyntax-only", str(source)], check=True, timeout=60
    )
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        words = {"paced": "1 1 1 0 1 /", "messages": "/ 1 1 1 0"}[source.stem].split()
        command = [str(built(source.stem, tmp_path)), str(bound.getsockname()[1]), *words]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (1, "connect: Connection refused\n")
