"""Where the command's lines go: terminals, files, logging configurations written for uvicorn."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .process import COMMAND, HERE, TIMEOUT_S, Process, get, running

GET = '"GET / HTTP/1.1" 200 OK'


def eventually(path: Path, text: str) -> str:
    """The content of a file once it holds this text."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < deadline, f"no {text!r} in {path}"
        time.sleep(0.005)
    return path.read_text()


def refused(directory: Path, *words: str) -> tuple[int, str]:
    """The status and the last line of a command that does not start."""
    done = subprocess.run(
        [*COMMAND, "application:app", "--app-dir", str(HERE), "--port", "0", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.splitlines()[-1]


def served_once(directory: Path, *words: str, **more: Any) -> str:
    """All that a server says to which one request is sent."""
    with running(directory, "--port", "0", *words, **more) as process:
        process.get("/")
        process.terminate()
        return process.output


# ---- levels and colours ----


def test_requests_are_messages_of_level_info(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        words = ("--log-level", "warning", "--fd", str(sock.fileno()))
        with running(tmp_path, *words, pass_fds=[sock.fileno()]) as process:
            with socket.create_connection(sock.getsockname()) as client:
                assert get(client, "/")[1] == "hello"
            process.terminate()
            lines = [line for line in process.lines if "slower server in plain Python" not in line]
            assert lines == ["application shutdown"]


def test_colours(tmp_path: Path) -> None:
    output = served_once(tmp_path, "--use-colors")
    info = "\033[32mINFO\033[0m:    "
    assert re.search(
        re.escape(f"{info} Started server process [\033[36m") + r"\d+" + re.escape("\033[0m]"), output
    )
    assert re.search(re.escape(f"{info} fastserve running on \033[1mhttp://127.0.0.1:"), output)
    assert re.search(
        re.escape(f"{info} 127.0.0.1:")
        + r"\d+"
        + re.escape(' - "\033[1mGET / HTTP/1.1\033[0m" \033[32m200 OK\033[0m\n'),
        output,
    )


def read_until(descriptor: int, text: bytes) -> bytes:
    """What comes, to the first piece that has this in it; the suite's timeout is the deadline."""
    said = b""
    while text not in said:
        said += os.read(descriptor, 4096)
    return said


@pytest.mark.parametrize("words", [(), ("--no-use-colors",)])
def test_colours_on_a_terminal(tmp_path: Path, words: tuple[str, ...]) -> None:
    ours, theirs = os.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, "application:app", "--app-dir", str(HERE), "--port", "0", *words],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        try:
            said = read_until(ours, b"CTRL+C to quit")
            port = int(re.findall(rb"http://127\.0\.0\.1:(\d+)", said)[0])
            with socket.create_connection(("127.0.0.1", port)) as sock:
                get(sock, "/")
            said += read_until(ours, b"OK")
        finally:
            process.kill()
            process.wait()
    finally:
        os.close(theirs)
        os.close(ours)
    expected = b"INFO" if words else b"\033[32mINFO\033[0m"
    assert expected + b":     Started server" in said
    assert expected + b":     127.0.0.1:" in said


def test_no_colours_elsewhere(tmp_path: Path) -> None:
    assert "\033" not in served_once(tmp_path)


# ---- configurations ----

UVICORN: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "default": {"()": "uvicorn.logging.DefaultFormatter", "fmt": "D %(levelprefix)s %(message)s"},
        "access": {
            "()": "uvicorn.logging.AccessFormatter",
            "fmt": "A %(client_addr)s|%(request_line)s|%(status_code)s",
        },
    },
    "handlers": {
        "default": {"class": "logging.StreamHandler", "formatter": "default"},
        "access": {"class": "logging.StreamHandler", "formatter": "access", "stream": "ext://sys.stdout"},
    },
    "loggers": {
        "uvicorn": {"handlers": ["default"], "level": "INFO", "propagate": False},
        "uvicorn.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
    },
}


def configuration(directory: Path, **changes: Any) -> str:
    path = directory / "log.json"
    path.write_text(json.dumps({**UVICORN, **changes}))
    return str(path)


@pytest.mark.parametrize("disable_existing_loggers", [False, True])
def test_a_configuration_for_uvicorn(tmp_path: Path, disable_existing_loggers: bool) -> None:
    path = configuration(tmp_path, disable_existing_loggers=disable_existing_loggers)
    output = served_once(tmp_path, "--log-config", path)
    assert re.search(r"^A 127\.0\.0\.1:\d+\|GET / HTTP/1\.1\|200 OK$", output, re.MULTILINE)
    assert re.search(r"^D INFO:     Started server process \[\d+\]$", output, re.MULTILINE)
    assert "\nINFO:" not in output


def test_a_configuration_that_silences_requests(tmp_path: Path) -> None:
    loggers = {**UVICORN["loggers"], "uvicorn.access": {"handlers": [], "propagate": False}}
    output = served_once(tmp_path, "--log-config", configuration(tmp_path, loggers=loggers))
    assert "D INFO:     Started" in output
    assert "GET" not in output


def test_a_configuration_and_no_access_log(tmp_path: Path) -> None:
    output = served_once(tmp_path, "--log-config", configuration(tmp_path), "--no-access-log")
    assert "GET" not in output


RECIPE = """
[loggers]
keys=root,access
[handlers]
keys=console,daily
[formatters]
keys=plain,access
[logger_root]
level=INFO
handlers=console
[logger_access]
level=INFO
handlers=daily
propagate=0
qualname=uvicorn.access
[handler_console]
class=StreamHandler
formatter=plain
args=(sys.stderr,)
[handler_daily]
class={handler}
formatter=access
args=({arguments})
[formatter_plain]
format=%(name)s %(message)s
[formatter_access]
class=uvicorn.logging.AccessFormatter
format=%(asctime)s %(client_addr)s - "%(request_line)s" %(status_code)s
"""


@pytest.mark.parametrize(
    ("handler", "arguments"),
    [
        ("logging.handlers.TimedRotatingFileHandler", "'access.log', 'midnight', 1, 7"),
        ("fastserve.logging.FileHandler", "'access.log', 'daily', 7"),
    ],
)
def test_the_recipe_for_a_file_a_day(tmp_path: Path, handler: str, arguments: str) -> None:
    path, log = tmp_path / "log.ini", tmp_path / "access.log"
    path.write_text(RECIPE.format(handler=handler, arguments=arguments))
    log.write_text("of long ago\n")
    os.utime(log, (0, 0))
    output = served_once(tmp_path, "--log-config", str(path))
    assert "fastserve.error Started server process" in output
    assert GET not in output
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \S+ 127\.0\.0\.1:\d+ - {re.escape(GET)}\n", log.read_text())
    day = time.strftime("%Y-%m-%d", time.localtime(0))
    if "Timed" in handler:  # it names the file after the day before the change
        (moved,) = tmp_path.glob("access.log.*")
    else:
        moved = tmp_path / f"access.log.{day}"
    assert moved.read_text() == "of long ago\n"


MODULE = """
import logging
from application import app

class NoRoot(logging.Filter):
    def filter(self, record):
        client, method, target, version, status = record.args
        return target != "/"

logging.getLogger("{name}").addFilter(NoRoot())
"""


@pytest.mark.parametrize("name", ["uvicorn.access", "fastserve.access"])
@pytest.mark.parametrize("file", [None, "access.log"])
def test_a_filter_that_the_application_adds(tmp_path: Path, name: str, file: str | None) -> None:
    (tmp_path / "filtering.py").write_text(MODULE.format(name=name))
    words = ("--port", "0", "--app-dir", str(tmp_path), *(("--access-log-file", file) if file else ()))
    with running(tmp_path, *words, app="filtering:app", environment={"PYTHONPATH": str(HERE)}) as process:
        process.get("/")
        process.get("/shown")
        process.terminate()
        text = (tmp_path / file).read_text() if file else process.output
    assert re.search(r'^INFO:     127\.0\.0\.1:\d+ - "GET /shown HTTP/1\.1" 200 OK$', text, re.MULTILINE)
    assert GET not in text


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--log-config", "none.json"), 2, "log_config: cannot read 'none.json': No such file or directory"),
        (("--error-log-file", "."), 2, "error_log_file: '.': Is a directory"),
        (("--access-log-file", "."), 3, "Cannot write to --access-log-file .: Is a directory"),
        (("--log-rotate", "weekly"), 2, "'weekly' is not daily, hourly or a size such as 100MB"),
        (("--log-rotate", "daily"), 2, "log_rotate is for access_log_file and error_log_file"),
        (("--log-config", "a.ini", "--access-log-file", "b"), 2, "exclude each other"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_told_in_one_line(
    tmp_path: Path, words: tuple[str, ...], status: int, told: str
) -> None:
    found, line = refused(tmp_path, *words)
    assert found == status
    assert told in line


# ---- files ----


def test_each_log_has_its_file(tmp_path: Path) -> None:
    access, error = tmp_path / "logs" / "access.log", tmp_path / "logs" / "error.log"
    with running(
        tmp_path,
        "--port",
        "0",
        "--use-colors",
        "--access-log-file",
        str(access),
        "--error-log-file",
        str(error),
    ) as process:
        port = int(eventually(error, "CTRL+C").rpartition(":")[2].split()[0])
        with socket.create_connection(("127.0.0.1", port)) as sock:
            get(sock, "/")
        process.terminate()
        assert process.output == "application shutdown\n"
    assert re.fullmatch(rf"INFO:     127\.0\.0\.1:\d+ - {re.escape(GET)}\n", access.read_text())
    lines = re.sub(r"\[\d+\]", "[PID]", error.read_text()).splitlines()
    assert lines[0] == "INFO:     Started server process [PID]"
    assert lines[-1] == "INFO:     Finished server process [PID]"


def test_files_that_were_moved_away_are_made_anew_at_a_signal(tmp_path: Path) -> None:
    names = ("access.log", "error.log")
    paths = [tmp_path / name for name in names]
    words = [word for name in names for word in (f"--{name.replace('.', '-')}-file", name)]
    with running(tmp_path, "--port", "0", *words) as process:
        eventually(paths[1], "CTRL+C")
        for path in paths:
            path.rename(f"{path}.moved")
        process.send(signal.SIGUSR1)
        for path in paths:
            eventually(path, "")
        assert process.popen.poll() is None
        process.terminate()
    assert "Finished" in paths[1].read_text()
    assert "Started" in Path(f"{paths[1]}.moved").read_text()


def test_so_many_old_files_stay(tmp_path: Path) -> None:
    for name in ("access.log", "error.log"):
        for ending in ("", ".1", ".2", ".3", ".4"):
            (tmp_path / f"{name}{ending}").write_text("x" * 1023 + "\n")
    words = ("--access-log-file", "access.log", "--error-log-file", "error.log")
    with running(tmp_path, "--port", "0", *words, "--log-rotate", "1k", "--log-keep", "2") as process:
        port = int(eventually(tmp_path / "error.log", "CTRL+C").rpartition(":")[2].split()[0])
        with socket.create_connection(("127.0.0.1", port)) as sock:
            get(sock, "/")
        process.terminate()
    for name in ("access.log", "error.log"):
        assert {path.name for path in tmp_path.glob(f"{name}*")} == {name, f"{name}.1", f"{name}.2"}
    assert GET in (tmp_path / "access.log").read_text()


SERVERS = 3
ROUNDS = 8
REQUESTS = 50


def lines_in(directory: Path) -> list[str]:
    """What is in the files now, whichever they are."""
    found = []
    for path in sorted(directory.glob("access.log*"), reverse=True):
        with contextlib.suppress(FileNotFoundError):  # it has just been renamed
            found += path.read_text().splitlines()
    return found


def rounds_of_requests(process: Process, name: str, directory: Path) -> None:
    """The lines of a round are in a file before the next one begins, so that there are many writes."""
    for number in range(ROUNDS):
        targets = [f"/?{name}-{number}-{i}" for i in range(REQUESTS)]
        with process.connect() as sock:
            sock.sendall("".join(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n" for target in targets).encode())
            answers = b""
            while answers.count(b"hello") < REQUESTS:
                answers += sock.recv(65536)
        deadline = time.monotonic() + TIMEOUT_S
        while not any(f"{targets[-1]} " in line for line in lines_in(directory)):
            assert time.monotonic() < deadline
            time.sleep(0.005)


def test_several_servers_share_a_file_and_its_rotation(tmp_path: Path) -> None:
    """Each line of each process is in one of the files, once and whole."""
    log = tmp_path / "access.log"
    names = [f"server{number}" for number in range(SERVERS)]
    with contextlib.ExitStack() as stack:
        processes = []
        for name in names:
            (tmp_path / name).mkdir()
            words = ("--port", "0", "--access-log-file", str(log), "--log-rotate", "5k")
            processes.append(stack.enter_context(running(tmp_path / name, *words)))
        threads = [
            threading.Thread(target=rounds_of_requests, args=(*pair, tmp_path))
            for pair in zip(processes, names, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT_S)
        for process in processes:
            process.terminate()
    assert len(list(tmp_path.glob("access.log*"))) > 5
    shown = re.compile(r'INFO:     127\.0\.0\.1:\d+ - "GET /\?(\S+) HTTP/1\.1" 200 OK')
    found = [shown.fullmatch(line) for line in lines_in(tmp_path)]
    assert Counter(match and match[1] for match in found) == Counter(
        f"{name}-{number}-{i}" for name in names for number in range(ROUNDS) for i in range(REQUESTS)
    )


def test_records_cost_more_but_say_the_same(tmp_path: Path) -> None:
    """The line of a handler with our formatter is the line of the writer without `logging`."""
    fast = served_once(tmp_path)
    logged = configuration(
        tmp_path,
        formatters={
            "default": UVICORN["formatters"]["default"],
            "access": {
                "()": "uvicorn.logging.AccessFormatter",
                "fmt": '%(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s',
            },
        },
    )
    slow = served_once(tmp_path, "--log-config", logged)
    shown = [
        re.sub(r":\d+ ", ":PORT ", line)
        for output in (fast, slow)
        for line in output.splitlines()
        if "GET" in line
    ]
    assert shown == [f"INFO:     127.0.0.1:PORT - {GET}"] * 2


# ---- what stands in them ----


@pytest.mark.parametrize("stripped", [True, False])
@pytest.mark.parametrize("way", ["writer", "file", "logging"])
def test_a_path_is_logged_as_the_application_sees_it(tmp_path: Path, way: str, stripped: bool) -> None:
    log = tmp_path / "access.log"
    words = {
        "writer": (),
        "file": ("--access-log-file", str(log)),
        "logging": ("--log-config", written(tmp_path / "log.json", json.dumps(TO_STDERR))),
    }[way]
    own = () if stripped else ("--no-root-path-stripped",)
    with running(tmp_path, "--port", "0", "--root-path", "/ä", *words, *own) as process:
        with process.connect() as sock:
            sock.sendall(
                b"GET /%C3%A4/?a=1 HTTP/1.0\r\n\r\n" if not stripped else b"GET /?a=1 HTTP/1.0\r\n\r\n"
            )
            assert b" 200 OK" in sock.recv(100)
        process.terminate()
        assert '"GET /%C3%A4/?a=1 HTTP/1.0" 200' in (log.read_text() if way == "file" else process.output)


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


TO_STDERR = {
    "version": 1,
    "handlers": {"default": {"class": "logging.StreamHandler"}},
    "loggers": {"uvicorn": {"handlers": ["default"], "level": "INFO"}},
}


def test_the_level_trace_shows_each_message(tmp_path: Path) -> None:
    output = served_once(tmp_path, "--log-level", "trace")
    lines = re.sub(r"127\.0\.0\.1:\d+", "CLIENT", output)
    assert "TRACE:    ASGI [1] Receive {'type': 'lifespan.startup'}\n" in lines
    assert "TRACE:    CLIENT - ASGI [2] Send {'type': 'http.response.body', 'body': '<5 bytes>'}\n" in lines
    assert "TRACE:    CLIENT - ASGI [2] Completed\n" in lines
