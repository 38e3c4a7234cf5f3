def is_debug_build() -> bool:
    """Whether the extension modules were built with FASTSERVE_DEBUG=1."""

def live_objects() -> dict[str, int]:
    """The number of living objects by kind; all zero in a build that does not count."""
