import asyncio

from fastserve.stream.messages import MessageDriver, Upgrade
from fastserve.ws.limits import Limits

class WebSocketUpgrade(Upgrade):
    """Makes WebSocket sessions of requests that ask for one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, driver: MessageDriver, limits: Limits) -> None: ...
