"""A TLS connection for each request, of clients that are new, and of clients that come back."""

import ssl
import time
from dataclasses import dataclass

from bench.apps.plain_asgi import HELLO
from bench.certificate import certificate
from bench.serving import serving
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group, Sample, Setting, Workload
from fastserve.measure import kernel, probe
from fastserve.measure.process import Running
from fastserve.measure.spread import Void

EXCHANGE = probe.Exchange(answer=HELLO, headers=(("Connection", "close"),), closes=True)
WARM_UP_CONNECTIONS = 20
CONNECTIONS_PER_S = 200
"""About as many as Python's client makes. wrk would not tell which of its sessions were resumed."""
SERVERS = ("fastserve", "uvicorn", "granian", "floor")


@dataclass(frozen=True, kw_only=True)
class HandshakeWorkload(Workload):
    """One connection after the other, each with a handshake under TLS 1.3, one request and the end."""

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Warm up, then read the server's CPU time before and behind the connections."""
        context = certificate(setting.scratch).client_context()
        connections = CONNECTIONS_PER_S * setting.load_s
        with serving(setting, entry, floor="close") as server:
            server.connect_first().close()
            session = connect(server, context, WARM_UP_CONNECTIONS, None, entry.resumed)
            before = kernel.settled_cpu(server.pid)
            begin_s = time.perf_counter()
            connect(server, context, connections, session, entry.resumed)
            duration_s = time.perf_counter() - begin_s
            cpu = kernel.cpu_between(before, kernel.settled_cpu(server.pid))
            server.check_alive()
        return Sample(
            cpu.run_ns / 1000 / connections,
            {
                **kernel.shares(cpu, duration_s),
                "requests": connections,
            },
        )


def connect(
    server: Running, context: ssl.SSLContext, count: int, session: ssl.SSLSession | None, resumed: bool
) -> ssl.SSLSession | None:
    """Make so many connections; with `resumed`, each resumes the session of the one before it.

    Gives the session to resume next, if any. Raises `Void` where the server does not speak TLS 1.3, or does
    not resume a session.
    """
    for _ in range(count):
        with (
            server.connect() as sock,
            context.wrap_socket(sock, server_hostname="127.0.0.1", session=session) as client,
        ):
            probe.check(client, EXCHANGE)
            if client.version() != "TLSv1.3":
                raise Void(f"the server speaks {client.version()}")
            if client.session_reused != (session is not None):
                raise Void("the server did not resume the session")
            session = client.session if resumed else None
    return session


WORKLOAD = HandshakeWorkload(
    name="handshake",
    title="TLS handshake and a request",
    group=Group.TLS,
    rank=1,
    metric=CPU_PER_REQUEST,
    entries=(
        *(Entry(name, tls=True) for name in SERVERS),
        *(Entry(name, tls=True, resumed=True, label=f"{name}, resumed") for name in SERVERS),
    ),
    comparisons=(
        Comparison("uvicorn", "fastserve"),
        Comparison("fastserve", "granian"),
        Comparison("fastserve", "floor"),
        Comparison("uvicorn, resumed", "fastserve, resumed"),
        Comparison("fastserve, resumed", "granian, resumed"),
        Comparison("fastserve, resumed", "floor, resumed"),
    ),
)
