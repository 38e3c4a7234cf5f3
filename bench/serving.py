"""How is the server of a row started, on its core?"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from bench.certificate import certificate
from bench.servers import APPS, FROM_CHECKOUT, NEED_APPS, ROOT, SERVERS, Launch, is_wsgi
from bench.workload import Entry, Setting
from fastserve.measure.process import Running, free_port, running


@contextlib.contextmanager
def serving(setting: Setting, entry: Entry, floor: str) -> Iterator[Running]:
    """Run the entry's server for the block, on a port of its own.

    On the first of the server cores; with several workers on as many of them as there are.
    """
    server = SERVERS[entry.server]
    launch = Launch(
        setting.python if server.ours else setting.peers,
        free_port(),
        entry.app,
        is_wsgi(entry.app),
        floor,
        setting.scratch,
        entry.access_log,
        entry.workers,
        certificate(setting.scratch) if entry.tls else None,
        entry.options,
    )
    cores = set(setting.server_cores[: entry.workers])
    with running(
        server.command(launch), launch.port, cores, setting.scratch, environment_of(entry)
    ) as started:
        yield started


def environment_of(entry: Entry) -> dict[str, str]:
    """The environment variables that an entry's server is started with."""
    # Of the caller's shell, nothing that changes what an interpreter does: PYTHONDONTWRITEBYTECODE, for
    # one, has each start of an editable installation compile it anew, and those of an ordinary one not.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if entry.server in FROM_CHECKOUT | NEED_APPS:
        variables["PYTHONPATH"] = str(ROOT if entry.server in FROM_CHECKOUT else APPS)
    return variables
