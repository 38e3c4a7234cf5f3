"""Which programs of the system take part, and of which version?"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where nginx lives for users whose PATH lacks it."""

PACKAGES = {"wrk": "wrk", "h2load": "nghttp2-client", "nginx": "nginx"}
"""Debian's, by the program's name."""

SAID = {
    "wrk": ("-v", r"wrk (?:debian/)?(\S+)"),
    "h2load": ("--version", r"nghttp2/(\S+)"),
    "nginx": ("-v", r"nginx/(\S+)"),
}
"""The word that asks for a version, and where it stands in the answer."""

LOAD_CLIENTS = ("wrk", "h2load")


@functools.cache
def path_of(program: str) -> str | None:
    """Where it is, if it is."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SBIN}")


@functools.cache
def version_of(program: str) -> str | None:
    """``nginx 1.26.3``; None where it is not installed."""
    path = path_of(program)
    if path is None:
        return None
    word, pattern = SAID[program]
    run = subprocess.run([path, word], capture_output=True, text=True, check=False)  # wrk exits with 1
    found = re.search(pattern, run.stdout + run.stderr)
    return f"{program} {found[1]}" if found else program


def install(program: str) -> str:
    """How to get it."""
    return f"apt install {PACKAGES[program]}"


def load_clients() -> str:
    """``wrk 4.1.0-4, h2load 1.64.0``: those that are installed."""
    return ", ".join(filter(None, map(version_of, LOAD_CLIENTS)))
