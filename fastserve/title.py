"""What do `ps` and `top` call this process?

With the package setproctitle, its whole command line: `fastserve: worker 1 app:app`. Without it, on Linux,
its name of 15 characters (proc(5), `/proc/PID/comm`): `fastserve: w1`, and the supervisor's `fastserve: sup`.
"""

from __future__ import annotations

import contextlib

__all__ = ["entitle"]


def entitle(role: str, number: int | None, application: object) -> None:
    """Name this process by what it does: `supervisor`, or `worker` and a number."""
    try:
        from setproctitle import setproctitle
    except ImportError:
        with contextlib.suppress(OSError), open("/proc/self/comm", "w") as file:
            file.write(f"fastserve: {role[:3] if number is None else f'{role[0]}{number}'}")
    else:
        setproctitle(f"fastserve: {role if number is None else f'{role} {number}'} {application}")
