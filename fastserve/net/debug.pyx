"""How many of our objects are alive? Tests of a debug build expect zero at their end."""

from fastserve.csrc.debug cimport FS_DEBUG


def is_debug_build() -> bool:
    """Whether the extension modules were built with FASTSERVE_DEBUG=1."""
    return bool(FS_DEBUG)


def live_objects() -> dict[str, int]:
    """The number of living objects by kind; all zero in a build that does not count."""
    return {"connections": live.connections, "sinks": live.sinks, "cycles": live.cycles}
