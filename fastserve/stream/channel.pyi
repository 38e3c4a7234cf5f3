class ByteChannel:
    """Both directions of one connection, in the hands of a session; implemented in Cython."""

class ByteSession:
    """What takes the bytes of a channel; implemented in Cython."""

    @property
    def close_code(self) -> int:
        """By which it ended, of a WebSocket; else 0."""
