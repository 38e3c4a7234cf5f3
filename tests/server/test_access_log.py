"""The access log's formats and choices, and the names of requests, as the command writes them."""

from __future__ import annotations

import json
import re
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .process import Process, rest, running

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def ask(process: Process, path: str, *fields: str) -> str:
    head = "".join(f"{field}\r\n" for field in ("Host: a", "Connection: close", *fields))
    with process.connect() as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        return rest(sock).decode()


def ended(process: Process) -> list[str]:
    """What was said, to the end."""
    assert process.terminate() == -signal.SIGTERM
    return process.lines


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory, http: str) -> Iterator[Process]:
    """A server that names requests, and tells of them in JSON."""
    words = ("--port", "0", "--http", http, "--request-id", "--access-log-format", "json")
    with running(tmp_path_factory.mktemp("named"), *words, app="named:app") as process:
        yield process


def objects(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_a_format_of_ones_own(tmp_path: Path, http: str) -> None:
    form = '%(h)s "%(r)s" %(s)s %(B)s %(L)s %(first_byte)s %({host}i)s'
    with running(tmp_path, "--port", "0", "--http", http, "--access-log-format", form) as process:
        ask(process, "/?b=1")
        (line,) = (line for line in ended(process) if "GET" in line)
    found = re.fullmatch(r'127\.0\.0\.1 "GET /\?b=1 HTTP/1\.1" 200 5 (\d\.\d{6}) (\d\.\d{6}) a', line)
    assert found and 0 < float(found[2]) <= float(found[1])


def test_json_lines_in_a_file(tmp_path: Path, http: str) -> None:
    words = ("--access-log-format", "json", "--access-log-file", "access.log")
    with running(tmp_path, "--port", "0", "--http", http, *words) as process:
        ask(process, "/", "User-Agent: tests")
        ended(process)
    (line,) = objects((tmp_path / "access.log").read_text().splitlines())
    assert (line["path"], line["status"], line["bytes_sent"], line["user_agent"]) == ("/", 200, 5, "tests")


def test_a_client_that_leaves_is_499(tmp_path: Path, http: str) -> None:
    with running(
        tmp_path, "--port", "0", "--http", http, "--access-log-format", "json", app="named:app"
    ) as process:
        with process.connect() as sock:
            sock.sendall(b"GET /waits HTTP/1.1\r\nHost: a\r\n\r\n")
            process.wait_for("in the coroutine")
            sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )  # a reset, not an end
        process.wait_for('"status":')
        (line,) = objects(ended(process))
    assert (line["status"], line["bytes_sent"], line["first_byte_ms"]) == (499, 0, None)


def test_the_line_of_a_request_that_held_the_loop_says_so(tmp_path: Path, http: str) -> None:
    pytest.importorskip("fastserve.loop_watch", reason="nothing was compiled")
    words = ("--access-log-format", "json", "--blocked-loop-ms", "100")
    with running(tmp_path, "--port", "0", "--http", http, *words, app="blocking:app") as process:
        ask(process, "/sleeping")
        ask(process, "/")
        slow, quick = objects(ended(process))
    assert slow["blocked_loop_ms"] >= 300
    assert "blocked_loop_ms" not in quick


def test_excluded_paths(tmp_path: Path, http: str) -> None:
    with running(tmp_path, "--port", "0", "--http", http, "--access-log-exclude", "/shown, /no-*") as process:
        for path in ("/", "/shown", "/shown?a", "/no-such-path"):
            ask(process, path)
        lines = [line for line in ended(process) if '"GET' in line]
    assert [line.split()[4] for line in lines] == ["/"]


def test_a_sample_of_none_still_has_the_failures(tmp_path: Path, http: str) -> None:
    with running(tmp_path, "--port", "0", "--http", http, "--access-log-sample", "0") as process:
        ask(process, "/")
        ask(process, "/no-such-path")  # the application fails
        lines = [line for line in ended(process) if '"GET' in line]
    assert [line.partition(" - ")[2] for line in lines] == [
        '"GET /no-such-path HTTP/1.1" 500 Internal Server Error'
    ]


def test_half_of_the_requests(tmp_path: Path, http: str) -> None:
    with running(tmp_path, "--port", "0", "--http", http, "--access-log-sample", "0.5") as process:
        with process.connect() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 399 + b"GET / HTTP/1.0\r\n\r\n")
            rest(sock)
        lines = [line for line in ended(process) if '"GET' in line]
    assert 120 < len(lines) < 280  # eight standard deviations


def test_slow_requests_only(tmp_path: Path, http: str) -> None:
    with running(
        tmp_path, "--port", "0", "--http", http, "--access-log-slow-ms", "250", app="blocking:app"
    ) as process:
        ask(process, "/")
        ask(process, "/sleeping")
        lines = [line for line in ended(process) if '"GET' in line]
    assert [line.split()[4] for line in lines] == ["/sleeping"]


# ---- names of requests


def test_a_trusted_peer_names_the_request_everywhere(named: Process) -> None:
    answer = ask(named, "/", "X-Request-ID: abc-1", f"traceparent: {TRACEPARENT}")
    ask(named, "/fails", "X-Request-ID: abc-2")
    named.wait_for('"request_id":"abc-2"')
    lines = named.lines
    assert answer.endswith(f"abc-1 {TRACEPARENT}")
    assert "abc-1 in the coroutine" in lines
    assert "abc-1 in a task" in lines
    assert "abc-1 in a thread" in lines
    assert "ERROR:    Exception in ASGI application (GET /fails, request abc-2)" in lines
    first, second = (line for line in objects(lines) if line["request_id"].startswith("abc-"))
    assert (first["request_id"], first["trace_id"]) == ("abc-1", TRACEPARENT.split("-")[1])
    assert second["request_id"] == "abc-2" and re.fullmatch(r"[0-9a-f]{32}", second["trace_id"])


def test_nobody_else_does(tmp_path: Path, http: str) -> None:
    words = ("--request-id", "--forwarded-allow-ips", "192.0.2.1")
    with running(tmp_path, "--port", "0", "--http", http, *words, app="named:app") as process:
        names = [ask(process, "/", "X-Request-ID: abc-1", f"traceparent: {TRACEPARENT}") for _ in range(2)]
    found = [re.search(r"([0-9a-f]{32}) 00-\1-[0-9a-f]{16}-00$", name) for name in names]
    assert found[0] and found[1] and found[0][1] != found[1][1]


def test_words_that_are_no_names_are_not_taken(named: Process) -> None:
    for field in (
        "X-Request-ID: a b",
        "X-Request-ID: " + "a" * 129,
        'X-Request-ID: "',
        "X-Request-ID:",
        "traceparent: 00-" + "0" * 32 + "-b7ad6b7169203331-01",
        f"traceparent: ff{TRACEPARENT[2:]}",
        f"traceparent: {TRACEPARENT}-x",
    ):
        assert re.search(r"([0-9a-f]{32}) 00-\1-[0-9a-f]{16}-00$", ask(named, "/", field)), field
    assert ask(named, "/", f"traceparent: {TRACEPARENT}").endswith(
        f"{TRACEPARENT.split('-')[1]} {TRACEPARENT}"
    )
    later = f"01{TRACEPARENT[2:]}-more"
    assert ask(named, "/", f"traceparent: {later}").endswith(f"{TRACEPARENT.split('-')[1]} {later}")


def test_without_the_option_there_are_no_names(tmp_path: Path, http: str) -> None:
    with running(tmp_path, "--port", "0", "--http", http, app="named:app") as process:
        assert ask(process, "/", "X-Request-ID: abc-1").endswith("None None")
        assert "- in the coroutine" in ended(process)
