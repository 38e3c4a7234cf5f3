"""The floor: uvloop protocols that answer canned bytes, one variant for each kind of workload.

What a Python server on uvloop cannot go below: the event loop, the transport and the kernel, with nothing
parsed and nothing composed. A variant knows its one client (wrk, or the probe): requests arrive whole, or
with the one body length that the workload sends. Wrong answers would show, for every answer is checked.

    python -m bench.floor hello --port 8000
"""

import argparse
import asyncio
import signal
import ssl
from typing import cast

import uvloop

from bench.apps.plain_asgi import CHUNK, CHUNKS, ECHO_BYTES, HELLO, LARGE

HEAD = (
    b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\nserver: floor\r\ncontent-type: text/plain\r\n"
)
END_OF_HEAD = b"\r\n\r\n"


def sized(body: bytes, extra: bytes = b"") -> bytes:
    """A canned answer that carries `body` by Content-Length; `extra` is further header lines."""
    return HEAD + extra + b"content-length: %d\r\n\r\n" % len(body) + body


def chunked(chunk: bytes, count: int) -> bytes:
    """A canned answer that carries `chunk` `count` times, chunk by chunk (RFC 9112, section 7.1)."""
    return (
        HEAD
        + b"transfer-encoding: chunked\r\n\r\n"
        + (b"%x\r\n" % len(chunk) + chunk + b"\r\n") * count
        + b"0\r\n\r\n"
    )


class Hello(asyncio.Protocol):
    """Answer each read with the same bytes."""

    __slots__ = ("transport",)
    answer = sized(HELLO)
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answer)


class Streamed(Hello):
    """The answer of 20 chunks, in one write."""

    __slots__ = ()
    answer = chunked(CHUNK, CHUNKS)


class Large(Hello):
    """The answer of 100 kB."""

    __slots__ = ()
    answer = sized(LARGE)


class Pipelined(Hello):
    """As many answers as the read has requests, in one write."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answer * data.count(END_OF_HEAD))


class Close(Hello):
    """One answer, then the end of the connection."""

    __slots__ = ()
    answer = sized(HELLO, b"connection: close\r\n")

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answer)
        self.transport.close()


class Echo(Hello):
    """Join a body of `ECHO_BYTES` bytes behind a canned head, and send both in one write."""

    __slots__ = ("missing", "parts")
    answer = HEAD + b"content-length: %d\r\n\r\n" % ECHO_BYTES

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.parts: list[bytes] = []
        self.missing = 0

    def data_received(self, data: bytes) -> None:
        if not self.parts:
            data = data[data.index(END_OF_HEAD) + len(END_OF_HEAD) :]
            self.parts.append(self.answer)
            self.missing = ECHO_BYTES
        self.parts.append(data)
        self.missing -= len(data)
        if not self.missing:
            self.transport.write(b"".join(self.parts))
            self.parts.clear()


VARIANTS: dict[str, type[Hello]] = {
    "hello": Hello,
    "pipelined": Pipelined,
    "streamed": Streamed,
    "echo": Echo,
    "large": Large,
    "close": Close,
}


async def serve(variant: type[Hello], port: int, context: ssl.SSLContext | None) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(variant, "127.0.0.1", port, backlog=2048, ssl=context)
    await stopped.wait()
    server.close()


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description="A uvloop protocol that answers canned bytes.")
    parser.add_argument("variant", choices=sorted(VARIANTS))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", help="serve TLS with this file")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    context = None
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate, arguments.key)
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(serve(VARIANTS[arguments.variant], arguments.port, context))
    finally:
        loop.close()


if __name__ == "__main__":
    main()
