from collections.abc import Iterable

class TooLong(Exception):
    """A message is longer than it may be, once decompressed."""

class DeflateOptions:
    """What the server offers."""

    @property
    def window_bits(self) -> int: ...
    @property
    def memory_level(self) -> int: ...
    def __init__(self, window_bits: int, memory_level: int) -> None: ...

class Deflate:
    """Both directions of one connection, as negotiated."""

    @property
    def server_window_bits(self) -> int: ...
    @property
    def client_window_bits(self) -> int: ...
    @property
    def server_takeover(self) -> bool: ...
    @property
    def client_takeover(self) -> bool: ...

def negotiate(
    offers: Iterable[tuple[str, list[tuple[str, str | None]]]], options: DeflateOptions
) -> Deflate | None:
    """Returns the Deflate of the first acceptable offer, or None."""
