"""How many sockets may this process, and the servers that it starts, hold open?"""

from __future__ import annotations

import resource

from fastserve.measure.spread import Void

SPARE = 100


def allow_connections(count: int) -> None:
    """Raise the limit of open files to what `count` connections need. Raises `Void` where it may not."""
    needed = count + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Void(f"needs {needed} open files, and `ulimit -Hn` is {hard}")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
