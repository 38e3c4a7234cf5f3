"""curl and wrk, as a person would use them; a test that needs one which is not installed is skipped."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass

import pytest

CURL_TIMEOUT_S = 60
WRK_DURATION_S = 2

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


def curl(*arguments: str, stdin: bytes = b"") -> bytes:
    """What curl printed. It reads no ~/.curlrc and no proxy from the environment.

    Raises:
        subprocess.CalledProcessError: curl found the answer wanting.
    """
    command = ["curl", "--disable", "--noproxy", "*", "--silent", "--show-error", *arguments]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True, timeout=CURL_TIMEOUT_S)
    return done.stdout


def curl_as_written(command: str) -> bytes:
    """What a curl command line printed that a page tells its reader to type. `command` may span lines."""
    program, *arguments = shlex.split(command.replace("\\\n", " "))
    assert program == "curl", command
    return curl("--fail", *arguments)


@dataclass(frozen=True)
class Load:
    """wrk's summary: requests answered, answers outside 2xx and 3xx, and errors of its sockets."""

    requests: int
    refused: int
    socket_errors: int


def wrk(url: str, *, connections: int = 64, duration_s: int = WRK_DURATION_S) -> Load:
    """Load `url` from one thread. wrk counts; it does not look at bodies."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{duration_s}s", "--timeout", "20s", url]
    report = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60, text=True).stdout
    requests = re.search(r"(\d+) requests in", report)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", report)
    assert requests, report
    return Load(
        requests=int(requests[1]),
        refused=int(refused[1]) if refused else 0,
        socket_errors=sum(map(int, errors.groups())) if errors else 0,
    )
