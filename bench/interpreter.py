"""Which Python runs a server, and what is installed there?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from bench.workload import PythonVersion

QUESTION = """
import importlib.metadata, json, platform, sys
versions = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
name = f"{platform.python_implementation()} {platform.python_version()}"
print(json.dumps({"name": name, "version": sys.version_info[:2], "versions": versions}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python, and the distributions found in it, by name."""

    path: str
    name: str
    version: PythonVersion
    versions: Mapping[str, str]


def ask_interpreter(path: str) -> Interpreter:
    """What `path` is and what is installed there.

    Raises `OSError`, `ValueError` or `subprocess.CalledProcessError` when it is no Python.
    """
    said = subprocess.run([path, "-c", QUESTION], capture_output=True, text=True, check=True, cwd="/").stdout
    answer = json.loads(said)
    major, minor = answer["version"]
    return Interpreter(path, answer["name"], (major, minor), answer["versions"])
