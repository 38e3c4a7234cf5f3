import asyncio

from fastserve.stream.messages import MessageSink
from fastserve.ws.frames import FrameReader
from fastserve.ws.limits import Limits

class SessionSettings:
    """What the sessions of one server have in common."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None: ...

class WebSocketSession(FrameReader):
    """One WebSocket."""

class SessionSink(MessageSink):
    """A session, as its driver sees it."""
