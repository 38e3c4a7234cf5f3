"""Does this machine have what a build needs? Prints one line for each thing missing and how to get it.

The Makefile runs this before it makes an environment, with the Python that the environment will have.
"""

# Nothing here that an older Python 3 does not know: it is to be told that it is too old.
from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from importlib.util import find_spec

PYTHON_MIN = (3, 10)


def missing() -> list[str]:
    """Return what is missing, each as a line that says what to do."""
    if sys.version_info < PYTHON_MIN:
        old = ".".join(map(str, sys.version_info[:2]))
        return [f"Python {old} is too old: fastserve needs 3.10 or newer; name one with PYTHON=python3.12"]
    lines = []
    # Debian packs ensurepip, which makes a venv usable, apart from the interpreter.
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        lines.append("no venv module for this Python: apt-get install python3-venv")
    if not os.path.isfile(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
        lines.append("no Python.h for this Python: apt-get install python3-dev")
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None:
        lines.append(f"no C compiler ({compiler}): apt-get install gcc libc6-dev")
    return lines


if __name__ == "__main__":
    problems = missing()
    if problems:
        sys.exit("\n".join(problems))
