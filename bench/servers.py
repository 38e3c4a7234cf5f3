"""Which servers are compared? One row each: its command, its version as installed, how to get it."""

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.certificate import Certificate, certificate
from bench.process import Running, free_port, running
from bench.workload import Entry, PythonVersion, Setting

BENCH = Path(__file__).resolve().parent
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where nginx lives for users whose PATH lacks it."""

KEEP_ALIVE_TIMEOUT_S = 120
"""Long enough that no idle connection is closed while its memory is measured."""


@dataclass(frozen=True)
class Launch:
    """What a server's command is made from. `floor` is the name of a variant in `bench.floor`."""

    python: str
    port: int
    access_log: bool
    floor: str
    scratch: Path
    certificate: Certificate | None = None
    app: str = "app:app"


@dataclass(frozen=True)
class Interpreter:
    """The Python that runs the servers, and the distributions found in it, by name."""

    path: str
    name: str
    version: PythonVersion
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Server:
    """One row of the table. `version` gives None when the server is not installed."""

    name: str
    command: Callable[[Launch], list[str]]
    version: Callable[[Interpreter], str | None]
    install: str


def asgi_command(module: str, launch: Launch, *options: str) -> list[str]:
    """fastserve and uvicorn take the same options."""
    command = [launch.python, "-m", module, launch.app, "--app-dir", str(BENCH)]
    command += ["--host", "127.0.0.1", "--port", str(launch.port)]
    command += ["--timeout-keep-alive", str(KEEP_ALIVE_TIMEOUT_S), *options]
    if launch.certificate is not None:
        command += ["--ssl-certfile", launch.certificate.certificate, "--ssl-keyfile", launch.certificate.key]
    return command if launch.access_log else [*command, "--no-access-log"]


def fastserve_command(launch: Launch) -> list[str]:
    """As a user starts it: nothing chosen but what the workload needs."""
    return asgi_command("fastserve", launch)


def uvicorn_command(launch: Launch) -> list[str]:
    """Its fastest parts, named: it would fall back silently where one is missing."""
    parts = ("--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio")
    return asgi_command("uvicorn", launch, *parts)


def floor_command(launch: Launch) -> list[str]:
    """The variant that answers the workload."""
    command = [launch.python, "-m", "bench.floor", launch.floor, "--port", str(launch.port)]
    if launch.certificate is not None:
        command += ["--certificate", launch.certificate.certificate, "--key", launch.certificate.key]
    return command


def picows_command(launch: Launch) -> list[str]:
    """A bare echo over a WebSocket library in Cython: the floor of the workloads with messages."""
    return [launch.python, "-m", "bench.echo_messages", "--port", str(launch.port)]


def granian_command(launch: Launch) -> list[str]:
    """One worker and its defaults; as an ASGI server it is measured under TLS only."""
    return granian_interface_command("asgi", launch)


def granian_interface_command(interface: str, launch: Launch) -> list[str]:
    """One worker and its defaults."""
    command = [launch.python, "-m", "granian", "--interface", interface, "--working-dir", str(BENCH)]
    command += ["--host", "127.0.0.1", "--port", str(launch.port), "--no-access-log"]
    if launch.certificate is not None:
        command += [
            "--ssl-certificate",
            launch.certificate.certificate,
            "--ssl-keyfile",
            launch.certificate.key,
        ]
    return [*command, launch.app]


def fastserve_wsgi_command(launch: Launch) -> list[str]:
    """As a user starts it: it finds out by itself what the application speaks."""
    return asgi_command("fastserve", launch)


def fastserve_wsgi_inline_command(launch: Launch) -> list[str]:
    """In the loop's own thread."""
    return asgi_command("fastserve", launch, "--wsgi-threads", "0")


def uvicorn_wsgi_command(launch: Launch) -> list[str]:
    """Its own adapter, ten threads."""
    return asgi_command("uvicorn", launch, "--loop", "uvloop", "--http", "httptools", "--interface", "wsgi")


def granian_wsgi_command(launch: Launch) -> list[str]:
    """One worker and its defaults."""
    return granian_interface_command("wsgi", launch)


def gunicorn_command(launch: Launch) -> list[str]:
    """One worker of the kind that keeps connections, with as many threads as fastserve and uvicorn have."""
    command = [launch.python, "-m", "gunicorn", "--chdir", str(BENCH), "-k", "gthread", "--threads", "10"]
    command += ["--bind", f"127.0.0.1:{launch.port}", "--keep-alive", str(KEEP_ALIVE_TIMEOUT_S)]
    return [*command, "--worker-connections", "4096", launch.app]


def fastpysgi_command(launch: Launch) -> list[str]:
    """It has no command that takes a directory."""
    module, _, attribute = launch.app.partition(":")
    start = (
        f"import fastpysgi, sys; sys.path.insert(0, {str(BENCH)!r}); from {module} import {attribute}\n"
        f"fastpysgi.run(wsgi_app={attribute}, host='127.0.0.1', port={launch.port})"
    )
    return [launch.python, "-c", start]


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


def nginx_command(launch: Launch) -> list[str]:
    """One worker, no log, `return 200`: the configuration is written beside the server's output."""
    configuration = launch.scratch / "nginx.conf"
    configuration.write_text(
        NGINX_CONFIGURATION.format(
            scratch=launch.scratch, port=launch.port, keep_alive_timeout_s=KEEP_ALIVE_TIMEOUT_S
        )
    )
    return [nginx_path() or "nginx", "-e", "stderr", "-c", str(configuration), "-g", "daemon off;"]


def nginx_path() -> str | None:
    """Where nginx is, if it is."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:{SBIN}")


def nginx_version(interpreter: Interpreter) -> str | None:
    """As ``nginx -v`` says it, on stderr."""
    path = nginx_path()
    if path is None:
        return None
    said = subprocess.run([path, "-v"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"nginx/(\S+)", said)
    return f"nginx {found[1]}" if found else said.strip()


def distributions(*names: str) -> Callable[[Interpreter], str | None]:
    """A version function: those of the distributions that a server is made of, None where one is missing."""

    def version(interpreter: Interpreter) -> str | None:
        versions = interpreter.versions
        if any(name not in versions for name in names):
            return None
        return ", ".join(f"{name} {versions[name]}" for name in names)

    return version


PEERS = "pip install -r bench/requirements.txt"

SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server("fastserve", fastserve_command, distributions("fastserve", "uvloop"), "pip install ."),
        Server(
            "uvicorn", uvicorn_command, distributions("uvicorn", "httptools", "websockets", "uvloop"), PEERS
        ),
        Server("nginx", nginx_command, nginx_version, "apt install nginx"),
        Server("floor", floor_command, distributions("uvloop"), PEERS),
        Server("picows", picows_command, distributions("picows", "uvloop"), PEERS),
        Server("granian", granian_command, distributions("granian"), PEERS),
        Server(
            "fastserve-wsgi", fastserve_wsgi_command, distributions("fastserve", "uvloop", "Flask"), PEERS
        ),
        Server(
            "fastserve-wsgi-inline",
            fastserve_wsgi_inline_command,
            distributions("fastserve", "uvloop", "Flask"),
            PEERS,
        ),
        Server("uvicorn-wsgi", uvicorn_wsgi_command, distributions("uvicorn", "Flask"), PEERS),
        Server("granian-wsgi", granian_wsgi_command, distributions("granian", "Flask"), PEERS),
        Server("gunicorn", gunicorn_command, distributions("gunicorn", "Flask"), PEERS),
        Server("fastpysgi", fastpysgi_command, distributions("fastpysgi", "Flask"), PEERS),
    )
}

OURS = {"floor", "picows"}
"""Modules of this package; the other servers do not see the checkout."""

INTERPRETER_QUESTION = """
import importlib.metadata, json, platform, sys
versions = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
name = f"{platform.python_implementation()} {platform.python_version()}"
print(json.dumps({"name": name, "version": sys.version_info[:2], "versions": versions}))
"""


def ask_interpreter(path: str) -> Interpreter:
    """What `path` is and what is installed there.

    Raises `OSError`, `ValueError` or `subprocess.CalledProcessError` when it is no Python.
    """
    said = subprocess.run(
        [path, "-c", INTERPRETER_QUESTION], capture_output=True, text=True, check=True, cwd="/"
    ).stdout
    answer = json.loads(said)
    major, minor = answer["version"]
    return Interpreter(path, answer["name"], (major, minor), answer["versions"])


@contextlib.contextmanager
def serving(setting: Setting, entry: Entry, floor: str) -> Iterator[Running]:
    """Run the entry's server on the server core for the block, on a port of its own."""
    pair = certificate(setting.scratch) if entry.tls else None
    launch = Launch(setting.python, free_port(), entry.access_log, floor, setting.scratch, pair, entry.app)
    command = SERVERS[entry.server].command(launch)
    environment = {"PYTHONPATH": str(BENCH.parent)} if entry.server in OURS else {}
    with running(command, launch.port, setting.server_core, setting.scratch, environment) as server:
        yield server
