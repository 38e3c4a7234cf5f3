"""New environments, and pip in them."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pytest

TIMEOUT_S = 600


def run(*command: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process's environment, less what would change a build, and with `environ`."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("FASTSERVE_", "PYTHON"))
    }
    return subprocess.run(
        command,
        cwd=cwd,
        env={**kept, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def new_environment(directory: Path) -> Path:
    """Make a venv and return its python."""
    venv.create(directory, with_pip=True)
    return directory / "bin" / "python"


def pip(python: Path, *arguments: str, **environ: str) -> None:
    """Run pip, which must succeed."""
    done = run(str(python), "-m", "pip", *arguments, **environ)
    if done.returncode != 0:
        pytest.fail(f"pip {' '.join(arguments)} exited {done.returncode}:\n{done.stdout}", pytrace=False)


def pip_fails(python: Path, *arguments: str, **environ: str) -> str:
    """Run pip, which must fail; return what it said."""
    done = run(str(python), "-m", "pip", *arguments, **environ)
    assert done.returncode != 0, done.stdout
    return done.stdout
