"""What does a client do, and what does it see? And what has to be there before the server starts?"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import stat
import struct
import time
from collections.abc import Callable
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from .running import TIMEOUT_S, Server, ask, exchange, rest, told

Look = Callable[[Server], str]

FORWARDED = ("X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https")


def scope(server: Server) -> str:
    return ask(server, "/scope")


def loop(server: Server) -> str:
    return ask(server, "/loop")


def forwarded(server: Server) -> str:
    return ask(server, "/scope", *FORWARDED)


def fields(server: Server) -> str:
    return ask(server, shows=("server", "date", "x-a"))


def held(server: Server, method: str = "POST", length: int = 1) -> socket.socket:
    """A connection whose request the application works on; a byte more lets it go."""
    sock = server.connect()
    before = server.printed("stderr").count("application: held")
    sock.sendall(f"{method} /held HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode())
    server.wait_for("application: held", before + 1)
    return sock


# ---- sockets


def of_file(path: Path) -> str:
    return f"mode {stat.S_IMODE(path.stat().st_mode):o}"


def unix_socket(server: Server) -> str:
    before = f"{ask(server, '/scope')}; {of_file(server.path)}"
    server.end()
    return f"{before}; at the end {'still there' if server.path.exists() else 'removed'}"


def leave_a_socket(directory: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(directory / "app.sock"))
    os.chmod(directory / "app.sock", 0o600)


def a_bound_socket(directory: Path) -> int:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock.detach()


def a_bound_unix_socket(directory: Path) -> int:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(directory / "app.sock"))
    return sock.detach()


def waiting(server: Server) -> str:
    """How many connections may wait to be accepted: Linux tells it of a listening socket, in tcpi_sacked."""
    assert server.fd is not None
    with socket.socket(fileno=os.dup(server.fd)) as sock:
        info = struct.unpack("8B6I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32))
        return f"{info[13]} connections may wait"


# ---- load and time


def crowd(server: Server) -> str:
    """One connection that stays, and a request on another."""
    with server.connect() as first:
        first.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        first.recv(1000)
        return ask(server)


def until_it_ends(server: Server) -> str:
    served = 0
    while server.popen.poll() is None and served < 20:
        with contextlib.suppress(OSError):
            if ask(server).startswith("200"):
                served += 1
        # uvicorn looks ten times a second.
        time.sleep(0.15)
    return f"{served} requests"


def between_2_and_5(server: Server) -> str:
    served = int(until_it_ends(server).split()[0])
    return "2 to 5 requests" if 2 <= served <= 5 else f"{served} requests"


def idle_for(server: Server) -> str:
    with server.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        begun = time.monotonic()
        rest(sock)
        return f"closed after {round(time.monotonic() - begun)} s"


def cancelled(server: Server) -> str:
    """A request in flight that does not end, and TERM."""
    with held(server, "GET", 0) as sock:
        begun = time.monotonic()
        server.end()
        soon = "soon" if time.monotonic() - begun < 4 else "late"
        return f"{told(rest(sock))}, {soon}"


def a_large_field(server: Server) -> str:
    return "; ".join(ask(server, "/", f"X: {'x' * size}").partition(",")[0] for size in (500, 3000))


def an_upgrade(server: Server) -> str:
    return ask(
        server,
        "/",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ).partition(",")[0]


# ---- ends


def idle(server: Server) -> str:
    """A client that is served and stays: what it sees of the end."""
    with server.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while not answer.endswith(b"hello"):
            answer += sock.recv(1000)
        server.popen.send_signal(signal.SIGINT)
        return f"{told(answer)}, then {'closed' if sock.recv(1) == b'' else 'more'}"


def busy(number: int) -> Look:
    def look(server: Server) -> str:
        """A request in flight, which ends after the signal."""
        with held(server) as sock:
            server.popen.send_signal(number)
            server.wait_for("Waiting for connections to close")
            sock.sendall(b"x")
            return told(rest(sock), ("connection",))

    return look


def during_startup(number: int) -> Look:
    def look(server: Server) -> str:
        server.wait_for("application: starts")
        server.popen.send_signal(number)
        server.ended()
        return "no client"

    return look


def term_twice(server: Server) -> str:
    """A request in flight, which ends after the second signal."""
    with held(server) as sock:
        for _ in range(2):
            server.popen.send_signal(signal.SIGTERM)
            server.wait_for("Waiting for connections to close")
        sock.sendall(b"x")
        return told(rest(sock))


def twice(server: Server) -> str:
    """A request in flight, which does not end, and INT twice."""
    with held(server, "GET", 0) as sock:
        server.popen.send_signal(signal.SIGINT)
        server.wait_for("Waiting for connections to close")
        server.popen.send_signal(signal.SIGINT)
        return told(rest(sock))


# ---- processes


def processes(server: Server) -> str:
    """How many processes answer."""
    seen = {ask(server, "/process")}
    end = time.monotonic() + 5
    while len(seen) < 2 and time.monotonic() < end:
        seen.add(ask(server, "/process"))
    return f"{len(seen)} of them answer"


def stopped(server: Server) -> str:
    """One process can do nothing more; whether another one takes its place."""
    before: set[str] = set()
    while len(before) < 2:
        before.add(ask(server, "/process"))
    os.kill(int(min(before).split()[-1]), signal.SIGSTOP)
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        if patient(server, "/process") not in before:
            return "another one takes its place"
        time.sleep(0.05)
    return "nothing happens"


def patient(server: Server, path: str = "/") -> str:
    """The same as `ask`, of a server that may be between two processes."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            answer = ask(server, path)
            if answer != "no answer":
                return answer
        time.sleep(0.05)
    return "no answer"


EDITED = (
    "from application import answer\nasync def app(scope, receive, send):\n    await answer(send, '{}')\n"
)


def edited(server: Server) -> str:
    """The application's file changes while it is served."""
    before = patient(server)
    (server.directory / "edited.py").write_text(EDITED.format("second"))
    end = time.monotonic() + TIMEOUT_S
    after = before
    while after == before and time.monotonic() < end:
        after = patient(server)
    return f"{before}, then {after}"


def touching(name: str, restarts: bool) -> Look:
    """A file is written, and another process serves, or the same one."""

    def look(server: Server) -> str:
        before = patient(server, "/process")
        (server.directory / name).write_text("# changed\n")
        end = time.monotonic() + (TIMEOUT_S if restarts else 2)
        after = before
        while after == before and time.monotonic() < end:
            after = patient(server, "/process")
            time.sleep(0.05)
        return "the same process" if after == before else "another process"

    return look


def changing(server: Server) -> str:
    """A file is written again and again, until another process serves."""
    before = patient(server, "/process")
    begun = time.monotonic()
    while (now_s := time.monotonic() - begun) < TIMEOUT_S:
        (server.directory / "a.py").write_text(f"# changed {now_s}\n")
        if patient(server, "/process") != before:
            return f"another process {'soon' if now_s < 2 else 'after seconds'}"
        time.sleep(0.2)
    return "the same process"


def a_directory(directory: Path) -> None:
    (directory / "watched").mkdir()


# ---- TLS


def certificates(directory: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(directory / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(directory / "cert.pem"))
    authority.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(str(directory / "client.pem"))
    key = load_pem_private_key((directory / "key.pem").read_bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (directory / "encrypted.pem").write_bytes(encrypted)


def secure(server: Server) -> str:
    return over_tls(server)


def secure_as_client(server: Server) -> str:
    return over_tls(server, client=True)


def secure_with_tls_1_2(server: Server) -> str:
    return over_tls(server, ssl.TLSVersion.TLSv1_2)


def over_tls(server: Server, newest: ssl.TLSVersion | None = None, client: bool = False) -> str:
    context = ssl.create_default_context(cafile=str(server.directory / "ca.pem"))
    if newest is not None:
        context.maximum_version = newest
    if client:
        context.load_cert_chain(str(server.directory / "client.pem"))
    try:
        with (
            server.connect() as plain,
            context.wrap_socket(plain, server_hostname="localhost") as sock,
        ):
            spoken = f"{sock.version()}, {(sock.cipher() or [''])[0]}" if newest else sock.version()
            return f"{spoken}: {exchange(sock, '/scope')}"
    except (ssl.SSLError, ConnectionError):
        return "refused"


# ---- files


def write(name: str, text: str) -> Callable[[Path], None]:
    def prepare(directory: Path) -> None:
        (directory / name).write_text(text)

    return prepare


ENV_FILE = write(".env", "OF_THE_FILE=1\nOF_THE_SHELL=2\n")
ELSEWHERE = write("elsewhere.py", "from application import app\n")


def environment(server: Server) -> str:
    return ask(server, "/environment")


def context(server: Server) -> str:
    return ask(server, "/context")
