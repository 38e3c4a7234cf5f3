"""What does an idle TCP connection take beside the server's memory? `python -m bench.connections [COUNT]`

Of the kernel's memory: so many connections over the loopback, each of which has carried a request and an
answer and is waited for by epoll, as a server's. The growth of the kernel's caches of objects (slabinfo(5),
which only root may read) by the number of sockets: both ends are here, and what epoll keeps for the one that
waits is counted whole. And of a core: what fastserve spends on so many, whose deadlines it looks at.
"""

from __future__ import annotations

import resource
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench.servers import APPS
from fastserve.measure.kernel import cpu_between, machine, read_cpu, settled_cpu

SLABS = Path("/proc/slabinfo")
COUNT = 5000
#: A descriptor for each end, and some for the interpreter.
SPARE_DESCRIPTORS = 100
START_TIMEOUT_S = 20.0
WATCHED_S = 4.0
#: Caches that hold nothing but what epoll keeps for a descriptor.
OF_EPOLL = {"eventpoll_epi", "eventpoll_pwq", "ep_head"}


def slabs() -> dict[str, int]:
    """Bytes in use, by cache."""
    caches = {}
    for line in SLABS.read_text().splitlines()[2:]:
        name, active, _, size = line.split()[:4]
        caches[name] = int(active) * int(size)
    return caches


def measured(count: int) -> tuple[float, float]:
    """Bytes for a socket, and bytes that epoll keeps for it."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening, select.epoll() as waiting:
        ends: list[socket.socket] = []
        before = slabs()
        try:
            for _ in range(count):
                client = socket.create_connection(listening.getsockname())
                server, _ = listening.accept()
                ends += client, server
                waiting.register(server.fileno(), select.EPOLLIN)
                for sender, receiver in ((client, server), (server, client)):
                    sender.sendall(b"x" * 150)
                    receiver.recv(1000)
            grown = {name: size - before.get(name, 0) for name, size in slabs().items()}
        finally:
            for end in ends:
                end.close()
    of_epoll = sum(size for name, size in grown.items() if name in OF_EPOLL)
    return (sum(grown.values()) - of_epoll) / (2 * count), of_epoll / count


def spent(count: int) -> float:
    """The share of a core that a server takes for so many."""
    with socket.create_server(("127.0.0.1", 0), backlog=count) as listening:
        command = [
            *(sys.executable, "-m", "fastserve", "plain_asgi:app", "--app-dir", str(APPS)),
            *("--fd", str(listening.fileno()), "--no-access-log", "--timeout-keep-alive", "600"),
        ]
        server = subprocess.Popen(command, pass_fds=[listening.fileno()], stderr=subprocess.DEVNULL)
        clients: list[socket.socket] = []
        try:
            for _ in range(count):
                client = socket.create_connection(listening.getsockname(), START_TIMEOUT_S)
                clients.append(client)
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                if not client.recv(1000).startswith(b"HTTP/1.1 200 "):
                    raise OSError("the server does not serve")
            before = settled_cpu(server.pid)
            time.sleep(WATCHED_S)
            return cpu_between(before, read_cpu(server.pid)).run_ns / 1e9 / WATCHED_S
        finally:
            for client in clients:
                client.close()
            server.terminate()
            server.wait()


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * count + SPARE_DESCRIPTORS
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, most), most))
        of_socket, of_epoll = measured(count)
        share = spent(count)
    except PermissionError:
        print(f"{SLABS} can only be read by root", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{count} connections: {error} (ulimit -n: {most})", file=sys.stderr)
        return 2
    here = machine()
    print(f"{here['cpu']}, {here['cores']} cores, {here['kernel']}; {count} idle connections")
    print(f"a socket: {of_socket:,.0f} bytes; what epoll keeps for it: {of_epoll:,.0f} bytes")
    print(f"fastserve spends {share:.2%} of a core on them: {share / count * 1e6:.2f} µs a second on each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
