"""fastserve/workers.py under the real gunicorn: `gunicorn -k fastserve.workers.FastserveWorker`."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest

pytest.importorskip("gunicorn")
import trustme

from .arbiter import WORKER, gunicorn
from .process import TIMEOUT_S, get, rest

LOOPS = ["uvloop", "asyncio"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_whole_life(tmp_path: Path, loop: str) -> None:
    (tmp_path / "own_workers.py").write_text(
        "from fastserve.workers import FastserveWorker\n"
        "class Own(FastserveWorker):\n"
        f"    CONFIG_KWARGS = {{'loop': {loop!r}, 'root_path': '/mounted'}}\n"
    )
    with gunicorn(tmp_path, worker="own_workers.Own", environment={"PYTHONPATH": str(tmp_path)}) as arbiter:
        _, shown = arbiter.get("/shown")
        assert "state of the lifespan; " in shown
        assert "root '/mounted'" in shown
        assert shown.endswith(f"loop {'uvloop' if loop == 'uvloop' else 'asyncio.unix_events'}")
        assert arbiter.terminate() == 0
    # In gunicorn's format, and no line for a request, as gunicorn has none without its option.
    assert re.search(
        r"^\[.*\] \[\d+\] \[INFO\] Application startup complete\.$", arbiter.output, re.MULTILINE
    )
    assert "application shutdown\n" in arbiter.output
    assert "GET /shown" not in arbiter.output
    assert "SIGTERM" not in arbiter.output  # the worker ended by itself
    assert "fastserve running on" not in arbiter.output


def test_the_access_log_goes_where_gunicorns_goes(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with gunicorn(tmp_path, "--access-logfile", str(log)) as arbiter:
        arbiter.get("/process")
        moved = tmp_path / "access.log.1"
        log.rename(moved)
        arbiter.send(signal.SIGUSR1)
        while not log.exists() or "GET /shown" not in log.read_text():
            assert arbiter.get("/shown")
        arbiter.terminate()
    assert re.fullmatch(
        r'127\.0\.0\.1:\d+ - "GET /process HTTP/1\.1" 200\n', moved.read_text().splitlines(True)[0]
    )


def test_the_level_is_gunicorns(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with gunicorn(tmp_path, "-b", f"unix:{path}", "--log-level", "error") as arbiter:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(TIMEOUT_S)
            while sock.connect_ex(str(path)) != 0:  # bound, perhaps, and not listening yet
                assert arbiter.popen.poll() is None, arbiter.output
                time.sleep(0.01)
            assert get(sock, "/")[1] == "hello"
        arbiter.terminate()
    assert arbiter.output == "application shutdown\n"


# ---- ends


def test_term_finishes_requests_in_flight(tmp_path: Path) -> None:
    """For longer than gunicorn's timeout: the heart beats while the worker waits for its requests."""
    with gunicorn(tmp_path, "--timeout", "1") as arbiter, arbiter.hold() as busy:
        arbiter.send(signal.SIGTERM)
        arbiter.wait_for("Waiting for connections to close")
        # What the arbiter would do by now to a worker of which it hears nothing.
        time.sleep(2.5)
        busy.sendall(b"x")
        assert rest(busy).endswith(b"let go")
        assert arbiter.end() == 0
    assert "application shutdown" in arbiter.output
    assert "TIMEOUT" not in arbiter.output


def test_at_the_graceful_timeout_requests_are_cancelled_and_the_application_shuts_down(
    tmp_path: Path,
) -> None:
    with gunicorn(tmp_path, "--graceful-timeout", "4") as arbiter, arbiter.hold():
        arbiter.send(signal.SIGTERM)
        assert arbiter.end() == 0
    assert "Cancel 1 running task(s), timeout graceful shutdown exceeded" in arbiter.output
    assert arbiter.output.index("cancelled\n") < arbiter.output.index("application shutdown\n")
    assert "SIGKILL" not in arbiter.output


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT])
def test_quit_and_int_wait_for_no_request(tmp_path: Path, number: int) -> None:
    configuration = tmp_path / "settings.py"
    configuration.write_text("def worker_int(worker): print('worker_int', flush=True)\n")
    with gunicorn(tmp_path, "-c", str(configuration), "--graceful-timeout", "600") as arbiter, arbiter.hold():
        arbiter.send(number)
        assert arbiter.end() == 0
    for said in ("worker_int\n", "cancelled\n", "application shutdown\n"):
        assert arbiter.output.count(said) == 1
    assert "SIGKILL" not in arbiter.output


def test_a_worker_ends_without_its_arbiter(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as arbiter:
        pid = arbiter.worker()
        arbiter.popen.kill()
        arbiter.popen.wait()
        arbiter.wait_for_end_of(pid)
    assert "The arbiter is gone: shutting down" in arbiter.output
    assert "application shutdown" in arbiter.output


# ---- new workers


def test_hup_starts_new_workers_and_lets_old_ones_finish(tmp_path: Path) -> None:
    configuration = tmp_path / "settings.py"
    configuration.write_text("raw_env = ['A=1']\n")
    with gunicorn(tmp_path, "-c", str(configuration)) as arbiter:
        old = arbiter.worker()
        with arbiter.hold() as busy:
            arbiter.send(signal.SIGHUP)
            # gunicorn waits for the old ones itself before it goes on.
            arbiter.wait_for("Application startup complete.", 2)
            arbiter.wait_for("Waiting for connections to close")
            new = arbiter.worker()
            assert new != old
            busy.sendall(b"x")
            assert rest(busy).endswith(b"let go")
        arbiter.wait_for_end_of(old)
        assert arbiter.worker() == new
        assert arbiter.terminate() == 0


@pytest.mark.parametrize("jitter", [0, 3])
def test_max_requests(tmp_path: Path, jitter: int) -> None:
    with gunicorn(tmp_path, "--max-requests", "4", "--max-requests-jitter", str(jitter)) as arbiter:
        answered = [arbiter.worker() for _ in range(20)]
        arbiter.terminate()
    counts = [answered.count(pid) for pid in dict.fromkeys(answered)]
    # And clients that connected when the worker had just met its limit.
    assert all(4 <= count <= 4 + jitter + 2 for count in counts[:-1])
    assert len(counts) >= 20 // (4 + jitter + 2)
    assert arbiter.output.count("exceeded. Terminating process.") >= len(counts) - 1


def test_a_blocked_worker_is_killed_and_an_idle_one_is_not(tmp_path: Path) -> None:
    configuration = tmp_path / "settings.py"
    configuration.write_text("def worker_abort(worker): print('worker_abort', flush=True)\n")
    with gunicorn(tmp_path, "-c", str(configuration), "--timeout", "1") as arbiter:
        pid = arbiter.worker()
        time.sleep(2.5)  # nothing happens, which takes its time
        assert arbiter.worker() == pid
        assert "WORKER TIMEOUT" not in arbiter.output
        with arbiter.connect() as sock:
            sock.sendall(b"GET /blocked HTTP/1.1\r\nHost: a\r\n\r\n")
            arbiter.wait_for(f"WORKER TIMEOUT (pid:{pid})")
            arbiter.wait_for("worker_abort")
            with contextlib.suppress(ConnectionError):
                assert rest(sock) == b""
        assert arbiter.worker() != pid
        arbiter.terminate()


def test_a_slow_start_is_no_silence(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(
        "import asyncio\nfrom application import answer\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'lifespan':\n"
        "        await receive()\n"
        "        await asyncio.sleep(2.5)\n"
        "        await send({'type': 'lifespan.startup.complete'})\n"
        "        await receive()\n"
        "        await send({'type': 'lifespan.shutdown.complete'})\n"
        "    else:\n"
        "        await answer(send, 'late')\n"
    )
    environment = {"PYTHONPATH": str(tmp_path)}
    with gunicorn(tmp_path, "--timeout", "1", app="late:app", environment=environment) as arbiter:
        assert arbiter.get("/")[1] == "late"
        assert len(arbiter.pids) == 1
        arbiter.terminate()


def test_reload(tmp_path: Path) -> None:
    """Also over a version of the application that cannot be parsed."""
    source = tmp_path / "edited.py"

    def write(text: str, age_s: float) -> None:
        source.write_text(text)
        os.utime(source, (time.time() - age_s,) * 2)  # each version has a time of its own

    version = (
        "from application import answer\nasync def app(scope, receive, send):\n    await answer(send, '{}')\n"
    )
    write(version.format("first"), 100)
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    words = ("--reload", "--reload-engine", "poll")
    with gunicorn(tmp_path, *words, app="edited:app", environment=environment) as arbiter:
        assert arbiter.get("/")[1] == "first"
        write(version.format("second"), 80)
        arbiter.wait_for("Booting worker", 2)
        assert arbiter.get("/")[1] == "second"
        write("def (\n", 60)
        arbiter.wait_for("Booting worker", 3)
        with arbiter.connect() as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            told = rest(sock)
        assert told.startswith(b"HTTP/1.1 500 ")
        assert b"SyntaxError" in told
        assert b"edited.py" in told
        write(version.format("third"), 40)
        arbiter.wait_for("Booting worker", 4)
        assert arbiter.get("/")[1] == "third"
        arbiter.terminate()


# ---- settings


@pytest.mark.parametrize(
    ("allowed", "seen"), [("127.0.0.1", "https 192.0.2.7"), ("192.0.2.1", "http 127.0.0.1")]
)
def test_forwarded_allow_ips(tmp_path: Path, allowed: str, seen: str) -> None:
    with gunicorn(tmp_path, "--forwarded-allow-ips", allowed) as arbiter:
        with arbiter.connect() as sock:
            sock.sendall(
                b"GET /process HTTP/1.0\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"
            )
            assert rest(sock).decode().endswith(f" {seen}")
        arbiter.terminate()


def test_proxy_protocol(tmp_path: Path) -> None:
    with gunicorn(tmp_path, "--proxy-protocol", "v2", "--proxy-allow-from", "127.0.0.0/8") as arbiter:
        with arbiter.connect() as sock:
            sock.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 5 80\r\nGET /process HTTP/1.0\r\n\r\n")
            assert rest(sock).decode().endswith(" http 192.0.2.7")
        arbiter.terminate()


@pytest.mark.parametrize(("keepalive", "longest_s"), [("0", 0.5), ("1", 2.0)])
def test_keep_alive(tmp_path: Path, keepalive: str, longest_s: float) -> None:
    with gunicorn(tmp_path, "--keep-alive", keepalive) as arbiter:
        arbiter.get("/")
        with arbiter.connect() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            begun = time.monotonic()
            assert rest(sock).endswith(b"hello")
            assert int(keepalive) * 0.9 < time.monotonic() - begun < longest_s
        arbiter.terminate()


@pytest.mark.parametrize(("words", "threads"), [((), 10), (("--threads", "3", "--workers", "2"), 3)])
def test_a_wsgi_application(tmp_path: Path, words: tuple[str, ...], threads: int) -> None:
    """More clients than threads: so many are in the application at once."""
    (tmp_path / "shop.py").write_text(
        "import threading, time\n"
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    time.sleep(0.5)\n"
        "    return [b'%d %d' % (environ['wsgi.multiprocess'],\n"
        "        sum(t.name.startswith('fastserve-wsgi') for t in threading.enumerate()))]\n"
    )
    with gunicorn(tmp_path, *words, app="shop:application", chdir=tmp_path) as arbiter:
        while len(arbiter.pids) < (2 if words else 1):
            time.sleep(0.01)
        for pid in arbiter.pids[1:]:
            os.kill(pid, signal.SIGSTOP)  # all go to one
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(arbiter.connect()) for _ in range(threads + 2)]
            for sock in socks:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answers = [rest(sock).rpartition(b"\r\n\r\n")[2] for sock in socks]
        assert set(answers) == {b"%d %d" % (bool(words), threads)}
        for pid in arbiter.pids[1:]:
            os.kill(pid, signal.SIGCONT)
        arbiter.terminate()


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with gunicorn(tmp_path, "-b", f"unix:{path}") as arbiter:
        arbiter.wait_for("Application startup complete.")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect(str(path))
            assert get(sock, "/process")[1].endswith(" http None")
        assert arbiter.terminate() == 0
    assert not path.exists()  # which is the arbiter's to do


HOOK = "def ssl_context(config, default):\n    print('ssl_context', flush=True)\n    return default()\n"


@pytest.mark.parametrize("required", [False, True], ids=["server only", "client certificate"])
def test_tls(tmp_path: Path, required: bool) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )
    configuration = tmp_path / "settings.py"
    configuration.write_text(HOOK)
    pem = str(tmp_path / "server.pem")
    words = ["-c", str(configuration), "--certfile", pem, "--keyfile", pem]
    if required:
        words += ["--cert-reqs", str(int(ssl.CERT_REQUIRED)), "--ca-certs", str(tmp_path / "ca.pem")]
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    if required:
        authority.issue_cert("client").configure_cert(client)
    with gunicorn(tmp_path, *words) as arbiter:
        with arbiter.connect() as plain, client.wrap_socket(plain, server_hostname="localhost") as sock:
            assert get(sock, "/process")[1].endswith(" https 127.0.0.1")
        if required:
            without = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
            with arbiter.connect() as plain, contextlib.suppress(ssl.SSLError, ConnectionError):
                sock = without.wrap_socket(plain, server_hostname="localhost")
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert rest(sock) == b""
        arbiter.terminate()
    assert "ssl_context\n" in arbiter.output


# ---- what cannot start


def test_a_failed_lifespan_halts_gunicorn(tmp_path: Path) -> None:
    with gunicorn(tmp_path, environment={"LIFESPAN": "fails"}) as arbiter:
        assert arbiter.end() == 3
    assert "[ERROR] the database is away" in arbiter.output
    assert "[ERROR] Application startup failed. Exiting." in arbiter.output
    assert "Worker failed to boot." in arbiter.output


def test_a_bad_keyword_halts_gunicorn(tmp_path: Path) -> None:
    (tmp_path / "own_workers.py").write_text(
        "from fastserve.workers import FastserveWorker\n"
        "class Own(FastserveWorker):\n    CONFIG_KWARGS = {'prot': 1}\n"
    )
    with gunicorn(tmp_path, worker="own_workers.Own", environment={"PYTHONPATH": str(tmp_path)}) as arbiter:
        assert arbiter.end() == 3
    assert "[ERROR] Unknown option: prot. Did you mean port?" in arbiter.output


def test_the_name_of_the_class_is_what_the_page_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "gunicorn.md"
    assert f"gunicorn -k {WORKER} " in page.read_text()
