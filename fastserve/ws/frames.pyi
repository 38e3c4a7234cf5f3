from fastserve.stream.channel import ByteSession

class MessageLimits:
    """How large a message may be."""

    def __init__(self, message_bytes_max: int, fragments_max: int) -> None: ...

class FrameReader(ByteSession):
    """The way in: a client's frames, put together to messages."""
