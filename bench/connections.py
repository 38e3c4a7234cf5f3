"""What does the kernel hold for an idle TCP connection? `python -m bench.connections [COUNT]`, as root.

So many connections over the loopback, each of which has carried a request and an answer and is waited for by
epoll, as a server's. The growth of the kernel's caches of objects (slabinfo(5), which only root may read) by
the number of sockets: both ends are here, and what epoll keeps for the one that waits is counted whole.
"""

from __future__ import annotations

import resource
import select
import socket
import sys
from pathlib import Path

from fastserve.measure.kernel import machine

SLABS = Path("/proc/slabinfo")
COUNT = 5000
#: A descriptor for each end, and some for the interpreter.
SPARE_DESCRIPTORS = 100
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


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * count + SPARE_DESCRIPTORS
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, most), most))
        of_socket, of_epoll = measured(count)
    except PermissionError:
        print(f"{SLABS} can only be read by root", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{count} connections: {error} (ulimit -n: {most})", file=sys.stderr)
        return 2
    here = machine()
    print(f"{here['cpu']}, {here['cores']} cores, {here['kernel']}; {count} idle connections")
    print(f"a socket: {of_socket:,.0f} bytes; what epoll keeps for it: {of_epoll:,.0f} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
