"""What if the process runs out of file descriptors? Whoever is connected is served, others later."""

from __future__ import annotations

import select
import socket
import time
from pathlib import Path

import pytest

from .process import COMMAND, TIMEOUT_S, Process, running

CASES = pytest.mark.parametrize

LIMITED = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *COMMAND)
TOLD = "No connections are accepted while the process has less than 16 of 64 file descriptors to spare"
CONNECTIONS = 90

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def ask(clients: list[socket.socket]) -> None:
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")


def answered(clients: list[socket.socket], patience_s: float) -> list[socket.socket]:
    """Those who get an answer, until for so long nobody has got one. All of them need no patience."""
    found: list[socket.socket] = []
    waiting = clients[:]
    while waiting and (ready := select.select(waiting, [], [], patience_s)[0]):
        for client in ready:
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
            waiting.remove(client)
            found.append(client)
    return found


def cpu_s(process: Process) -> float:
    fields = Path(f"/proc/{process.popen.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@CASES("loop", ["uvloop", "asyncio"])
def test_no_descriptors_left(tmp_path: Path, loop: str) -> None:
    arguments = ("--port", "0", "--loop", loop, "--timeout-keep-alive", "600")
    with running(tmp_path, *arguments, command=LIMITED) as process:
        clients = [process.connect() for _ in range(CONNECTIONS)]
        process.wait_for(TOLD)
        ask(clients)
        served = answered(clients, 0.5)
        assert 8 < len(served) < 60
        used_s = cpu_s(process)
        time.sleep(0.5)
        assert cpu_s(process) - used_s < 0.1, "it is busy with connections that it does not take"
        ask(served)
        assert set(answered(served, TIMEOUT_S)) == set(served), "who is connected is served on"
        waiting = [client for client in clients if client not in served]
        for client in served[1:]:
            client.close()
        assert answered(waiting[:1], TIMEOUT_S), "who waited is served when there are descriptors again"
        for client in waiting:
            client.close()
        with process.connect() as client:
            ask([client, served[0]])
            assert len(answered([client, served[0]], TIMEOUT_S)) == 2
        served[0].close()
        assert process.terminate() in (0, -15)
        assert process.output.count(TOLD) == 1 and "Traceback" not in process.output, process.output


def test_the_end_while_no_connections_are_accepted(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", command=LIMITED) as process:
        clients = [process.connect() for _ in range(CONNECTIONS)]
        process.wait_for(TOLD)
        assert process.terminate() in (0, -15)
        for client in clients:
            client.close()
        assert "Traceback" not in process.output
