"""What does `--preload` save? `python -m bench.preloading` (Linux)

Two of the examples, with and without it, by four workers that have all answered. Of all processes of the
server together: the memory that they take, in which a page that n processes share counts for each of them as
an nth (PSS). Of a worker: what nobody else has (USS). Both are of smaps_rollup (proc(5)).
"""

from __future__ import annotations

import os
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from bench.servers import ROOT
from fastserve.measure.kernel import machine, process_tree
from fastserve.measure.process import ANSWER_TIMEOUT_S, Running, free_port, running
from fastserve.measure.spread import Void

WORKERS = 4
#: On new connections, which go to whoever has fewest: each worker has a tenth of them at least.
REQUESTS = 400
#: Each: the application, its directory, and what is asked of it.
EXAMPLES = {
    "FastAPI": ("main:app", "fastapi_app", "/hello"),
    "Django": ("guestbook.asgi:application", "django_app", "/login/"),
}
KB, MB = 1024, 1024 * 1024


class Memory(NamedTuple):
    """In bytes: PSS of all processes, USS of a worker on average."""

    whole: float
    worker: float


def rollup(pid: int) -> dict[str, int]:
    """The fields of a process's smaps_rollup, in bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(value.split()[0]) * KB for name, _, value in (line.partition(":") for line in lines)}


def ask(server: Running, path: str) -> None:
    client = HTTPConnection("127.0.0.1", server.port, timeout=ANSWER_TIMEOUT_S)
    try:
        client.request("GET", path, headers={"Connection": "close"})
        answer = client.getresponse()
        answer.read()
        if answer.status != 200:
            raise Void(f"{path} is answered by {answer.status}")
    finally:
        client.close()


def measured(example: str, options: tuple[str, ...], scratch: Path) -> Memory:
    """Serve, ask, and read."""
    app, directory, path = EXAMPLES[example]
    port = free_port()
    words = (app, "--app-dir", str(ROOT / "examples" / directory), "--port", str(port), "--no-access-log")
    command = (sys.executable, "-m", "fastserve", *words, "--workers", str(WORKERS), *options)
    cores = os.sched_getaffinity(0)
    with running(command, port, cores, scratch, os.environ) as server:
        while server.stderr.read_text().count("Application startup complete.") < WORKERS:
            server.check_alive()
            server.connect_first().close()
        for _ in range(REQUESTS):
            ask(server, path)
        tree = process_tree(server.pid)
        # Those without children: neither the parent nor who has preloaded.
        workers = [pid for pid in tree if process_tree(pid) == [pid]]
        if len(workers) != WORKERS:
            raise Void(f"there are {len(workers)} workers")
        found = {pid: rollup(pid) for pid in tree}
    own = [found[pid]["Private_Clean"] + found[pid]["Private_Dirty"] for pid in workers]
    return Memory(sum(fields["Pss"] for fields in found.values()), sum(own) / WORKERS)


def main() -> int:
    here = machine()
    print(f"{here['cpu']}, {here['cores']} cores, {here['kernel']}, CPython {sys.version.split()[0]}\n")
    print(
        f"| {WORKERS} workers, all processes | without | `--preload` | saved | a worker's own | `--preload` |"
    )
    print("|---|---|---|---|---|---|")
    try:
        for example in EXAMPLES:
            with tempfile.TemporaryDirectory() as name:
                apart = measured(example, (), Path(name))
                shared = measured(example, ("--preload",), Path(name))
            sizes = [apart.whole, shared.whole, apart.whole - shared.whole, apart.worker, shared.worker]
            print(f"| {example} | {' | '.join(f'{size / MB:.1f} MB' for size in sizes)} |", flush=True)
    except Void as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
