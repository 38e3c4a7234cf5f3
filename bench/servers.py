"""Which servers are compared? One row each: its command, what it is made of, how to get it.

A row is one process with its defaults, except for what is named here: an event loop and a parser where the
server would fall back silently without them, a keep-alive that outlasts the measurement, and the access log
as the workload asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.certificate import Certificate
from bench.interpreter import Interpreter
from bench.programs import install, path_of, version_of

ROOT = Path(__file__).resolve().parents[1]
APPS = ROOT / "bench" / "apps"
KEEP_ALIVE_TIMEOUT_S = 120
"""Long enough that no idle connection is closed while its memory is measured."""

THREADS = 10
"""For WSGI: as many as fastserve's and uvicorn's defaults."""


@dataclass(frozen=True)
class Launch:
    """What a server's command is made from. `floor` is the name of a variant in `bench.floor`.

    `wsgi`: the application speaks WSGI; else ASGI. `options` come last.
    """

    python: str
    port: int
    app: str
    wsgi: bool
    floor: str
    scratch: Path
    access_log: bool = False
    workers: int = 1
    certificate: Certificate | None = None
    options: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"


Command = Callable[[Launch], list[str]]


@dataclass(frozen=True)
class Server:
    """One row of the table.

    `parts` are the distributions that must be there, whose versions are told. `ours`: it runs in fastserve's
    own environment, and not in that of the peers. `program` (of `bench.programs`) is what has to be there
    where a server is no Python's. A server that does not
    rest uses its core without a request too.
    """

    name: str
    command: Command
    parts: tuple[str, ...] = ()
    ours: bool = False
    install: str = "make bench-peers"
    program: str = ""
    rests: bool = True

    def version(self, interpreter: Interpreter) -> str | None:
        """What is measured, as ``uvicorn 0.54.0, uvloop 0.23.0``; None where something of it is missing."""
        if self.program:
            return version_of(self.program)
        versions = interpreter.versions
        if any(part not in versions for part in self.parts):
            return None
        return ", ".join(f"{part} {versions[part]}" for part in self.parts)


def flags(launch: Launch, certificate: str, key: str) -> list[str]:
    """The certificate's files under these names, if the workload is one under TLS."""
    pair = launch.certificate
    return [certificate, pair.certificate, key, pair.key] if pair else []


def uvicorns(module: str, *options: str) -> Command:
    """fastserve and uvicorn take the same options."""

    def command(launch: Launch) -> list[str]:
        words = [launch.python, "-m", module, launch.app, "--app-dir", str(APPS)]
        words += ["--host", "127.0.0.1", "--port", str(launch.port), *options]
        words += ["--timeout-keep-alive", str(KEEP_ALIVE_TIMEOUT_S)]
        if launch.workers > 1:
            words += ["--workers", str(launch.workers)]
        if not launch.access_log:
            words.append("--no-access-log")
        if launch.wsgi and module == "uvicorn":  # fastserve finds out by itself
            words += ["--interface", "wsgi"]
        return [*words, *flags(launch, "--ssl-certfile", "--ssl-keyfile"), *launch.options]

    return command


def uvicorn(http: str) -> Command:
    """uvicorn with its faster loop and the faster of its WebSocket implementations."""
    return uvicorns("uvicorn", "--loop", "uvloop", "--http", http, "--ws", "websockets-sansio")


def hypercorn(launch: Launch) -> list[str]:
    """Its worker on uvloop; it keeps a connection for five seconds unless told otherwise."""
    words = [launch.python, "-m", "hypercorn", "--worker-class", "uvloop", "--workers", str(launch.workers)]
    words += ["--bind", launch.address, "--keep-alive", str(KEEP_ALIVE_TIMEOUT_S)]
    words += ["--access-logfile", "-"] if launch.access_log else []
    app = ("wsgi:" if launch.wsgi else "") + launch.app
    return [*words, *flags(launch, "--certfile", "--keyfile"), *launch.options, app]


def granian(launch: Launch) -> list[str]:
    """One worker and its defaults."""
    words = [launch.python, "-m", "granian", "--interface", "wsgi" if launch.wsgi else "asgi"]
    words += ["--working-dir", str(APPS), "--host", "127.0.0.1", "--port", str(launch.port)]
    words += ["--workers", str(launch.workers), "--access-log" if launch.access_log else "--no-access-log"]
    return [*words, *flags(launch, "--ssl-certificate", "--ssl-keyfile"), *launch.options, launch.app]


def gunicorn(worker: str, *options: str) -> Command:
    """gunicorn's arbiter with one worker of this class."""

    def command(launch: Launch) -> list[str]:
        words = [launch.python, "-m", "gunicorn", "--chdir", str(APPS), "-k", worker, *options]
        words += ["--bind", launch.address, "--keep-alive", str(KEEP_ALIVE_TIMEOUT_S)]
        words += ["--worker-connections", "4096", "--workers", str(launch.workers)]
        words += ["--access-logfile", "-"] if launch.access_log else []
        return [*words, *flags(launch, "--certfile", "--keyfile"), *launch.options, launch.app]

    return command


def daphne(launch: Launch) -> list[str]:
    """Without its access log unless asked for: it is on by default, and goes to stdout."""
    words = [launch.python, "-m", "daphne", "-b", "127.0.0.1", "-p", str(launch.port)]
    words += ["--verbosity", "1" if launch.access_log else "0"]
    return [*words, *launch.options, launch.app]


def fastpysgi(launch: Launch) -> list[str]:
    """It has no command that takes a directory; it finds out by itself what an application speaks."""
    module, _, attribute = launch.app.partition(":")
    start = (
        f"import fastpysgi, sys; sys.path.insert(0, {str(APPS)!r}); from {module} import {attribute}\n"
        f"fastpysgi.run({attribute}, host='127.0.0.1', port={launch.port}, workers={launch.workers})"
    )
    return [launch.python, "-c", start]


def floor(launch: Launch) -> list[str]:
    """The variant that answers the workload."""
    command = [launch.python, "-m", "bench.floor", launch.floor, "--port", str(launch.port)]
    return [*command, *flags(launch, "--certificate", "--key")]


def picows(launch: Launch) -> list[str]:
    """A bare echo over a WebSocket library in Cython: the floor of the workloads with messages."""
    return [launch.python, "-m", "bench.echo_messages", "--port", str(launch.port)]


NGINX_CONFIGURATION = """\
worker_processes 1;
pid {scratch}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout {keep_alive_timeout_s}s;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    server {{
        listen 127.0.0.1:{port};
        default_type text/plain;
        location / {{ return 200 "Hello, world!"; }}
    }}
}}
"""


def nginx(launch: Launch) -> list[str]:
    """One worker, no log, `return 200`: the configuration is written beside the server's output."""
    configuration = launch.scratch / "nginx.conf"
    configuration.write_text(
        NGINX_CONFIGURATION.format(
            scratch=launch.scratch, port=launch.port, keep_alive_timeout_s=KEEP_ALIVE_TIMEOUT_S
        )
    )
    return [path_of("nginx") or "nginx", "-e", "stderr", "-c", str(configuration), "-g", "daemon off;"]


OURS = "make bench, or pip install '.[bench]'"
KLASS = "fastserve.workers.FastserveWorker"

SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server("fastserve", uvicorns("fastserve"), ("fastserve", "uvloop"), True, OURS),
        Server(
            "fastserve-cffi",
            uvicorns("fastserve", "--http", "cffi"),
            ("fastserve", "cffi", "uvloop"),
            True,
            OURS,
        ),
        Server(
            "fastserve-h11",
            uvicorns("fastserve", "--http", "h11"),
            ("fastserve", "h11", "uvloop"),
            True,
            OURS,
        ),
        Server("uvicorn", uvicorn("httptools"), ("uvicorn", "httptools", "websockets", "uvloop")),
        Server("uvicorn-h11", uvicorn("h11"), ("uvicorn", "h11", "websockets", "uvloop")),
        Server("uvicorn-zttp", uvicorn("zttp"), ("uvicorn", "zttp", "websockets", "uvloop")),
        Server("granian", granian, ("granian", "uvloop")),
        Server("hypercorn", hypercorn, ("Hypercorn", "h11", "wsproto", "uvloop")),
        Server("gunicorn-asgi", gunicorn("asgi"), ("gunicorn", "uvloop")),
        Server("gunicorn", gunicorn("gthread", "--threads", str(THREADS)), ("gunicorn",)),
        Server("gunicorn-fastserve", gunicorn(KLASS), ("fastserve", "gunicorn", "uvloop"), True, OURS),
        Server("daphne", daphne, ("daphne", "Twisted")),
        Server("fastpysgi", fastpysgi, ("fastpysgi",), rests=False),
        Server("picows", picows, ("picows", "uvloop"), True, OURS),
        Server("nginx", nginx, install=install("nginx"), program="nginx"),
        Server("floor", floor, ("uvloop",), True, OURS),
    )
}

FROM_CHECKOUT = {"floor", "picows"}
"""Modules of this package; the other servers do not see the checkout, only bench/apps."""

NEED_APPS = {"hypercorn", "daphne"}
"""They take no directory: it is put on their path."""

ASGI = ("fastserve", "uvicorn", "granian")
WSGI = ("fastserve", "uvicorn", "granian", "gunicorn", "fastpysgi")
"""Those that a workload compares unless it has reasons for others."""

ALL_ASGI = (
    *("fastserve", "fastserve-cffi", "fastserve-h11", "uvicorn", "uvicorn-h11", "uvicorn-zttp"),
    *("granian", "hypercorn", "gunicorn-asgi", "gunicorn-fastserve", "daphne", "fastpysgi"),
)
"""Whatever serves ASGI: for the few workloads that tell one server from the other."""

QUICK = ("fastserve", "uvicorn", "nginx")
"""Those of a first look (``--quick``)."""


def is_wsgi(app: str) -> bool:
    """By the name of its file in bench/apps."""
    return app.partition(":")[0] in {"plain_wsgi", "files_wsgi", "flask_app", "django_wsgi_app"}
