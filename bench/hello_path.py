"""The way of one request, again and again, in memory: what callgrind counts.

python -m bench.hello_path 1000
"""

from __future__ import annotations

import asyncio
import os
import sys

import uvloop

from bench.memory import Setup, Turning, connect, request

TURNS_MAX = 10
"""Of the event loop, for one request: it needs some before CPython 3.12, and none since."""


async def feed(count: int) -> None:
    """Feed `count` requests of the hello application to one connection, with the access log; each is
    answered."""
    loop, data = Turning(), request()
    log = os.open(os.devnull, os.O_WRONLY)
    endpoint = Setup(access_log=True).endpoint(loop, log)
    connection, transport = connect(endpoint)
    for _ in range(count):
        connection.data_received(data)
        loop.turn()
        for _ in range(TURNS_MAX):
            if transport.last:
                break
            await asyncio.sleep(0)
            loop.turn()
        if not transport.last.pop().startswith(b"HTTP/1.1 200 "):
            raise SystemExit("the answer is wrong")
    connection.connection_lost(None)
    endpoint.close()
    os.close(log)


if __name__ == "__main__":
    uvloop.run(feed(int(sys.argv[1])))
