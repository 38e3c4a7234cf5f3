"""How are messages compressed, and what is agreed on? (RFC 7692)"""

from __future__ import annotations

import random
import zlib

import pytest

from .client import BINARY, CONTINUATION, PING, TEXT, WebSocket, frame
from .conftest import Serve
from .test_limits import memory_bytes

TAIL = b"\x00\x00\xff\xff"
LONG = b"a message that is worth it, " * 40


class Peer:
    """The client's side of the compression."""

    def __init__(
        self, bits: int = 15, server_bits: int = 15, takeover: bool = True, server_takeover: bool = True
    ):
        self.bits, self.server_bits = bits, server_bits
        self.takeover, self.server_takeover = takeover, server_takeover
        self._out = self._in = None

    def deflate(self, data: bytes) -> bytes:
        out = self._out or zlib.compressobj(wbits=-self.bits)
        self._out = out if self.takeover else None
        return (out.compress(data) + out.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def inflate(self, data: bytes) -> bytes:
        source = self._in or zlib.decompressobj(-self.server_bits)
        self._in = source if self.server_takeover else None
        return source.decompress(data + TAIL)


def offered(port: int, offer: str, path: str = "/") -> WebSocket:
    return WebSocket(port, path, {"Sec-WebSocket-Extensions": offer})


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        ),
        (
            "permessage-deflate;client_max_window_bits=10 ; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
        ),
        (
            'permessage-deflate; client_max_window_bits="8"',
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=8",
        ),
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=12",
        ),
        ("x-other, permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            "permessage-deflate; server_max_window_bits=12",
        ),
        ("permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=12"),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=012", None),
        ("permessage-deflate; client_max_window_bits=7", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        ("permessage-deflate; unknown", None),
        ("permessage-deflate; =", None),
        ("x-webkit-deflate-frame", None),
        ("", None),
    ],
)
def test_what_is_agreed_on(port: int, offer: str, answer: str | None) -> None:
    with offered(port, offer) as ws:
        assert ws.status == 101
        assert ws.headers.get("sec-websocket-extensions") == answer
        ws.text(LONG.decode())
        got = ws.recv()
        assert got.compressed == (answer is not None)
        ws.finish()


def test_without_it(serve: Serve) -> None:
    port = serve("--ws-per-message-deflate", "false").port
    with offered(port, "permessage-deflate") as ws:
        assert "sec-websocket-extensions" not in ws.headers
        ws.send(frame(TEXT, b"x", rsv=4))
        assert ws.closed().code == 1002


@pytest.mark.parametrize("server_bits", range(9, 16))
@pytest.mark.parametrize("client_bits", [9, 12, 15])
@pytest.mark.parametrize("takeover", [True, False])
def test_messages_both_ways(
    serve: Serve, server_bits: int, client_bits: int, takeover: bool, seed: int
) -> None:
    """Of words that repeat farther apart than a window is long, and of noise."""
    port = serve("--ws-deflate-window-bits", "15", "--ws-deflate-memory-level", "9").port
    chance = random.Random(seed)
    words = [bytes(chance.randrange(97, 123) for _ in range(9)) for _ in range(300)]
    offer = f"permessage-deflate; server_max_window_bits={server_bits}; client_max_window_bits={client_bits}"
    if not takeover:
        offer += "; server_no_context_takeover; client_no_context_takeover"
    with offered(port, offer) as ws:
        peer = Peer(client_bits, server_bits, takeover, takeover)
        for size in (30, 2000, 0, 300):
            text = b" ".join(chance.choice(words) for _ in range(size))
            noise = chance.randbytes(size * 10)
            for opcode, message in ((TEXT, text), (BINARY, noise)):
                ws.send(frame(opcode, peer.deflate(message), rsv=4))
                got = ws.recv()
                assert got.opcode == opcode
                assert (peer.inflate(got.payload) if got.compressed else got.payload) == message
        ws.finish()


def test_the_context_is_kept(port: int) -> None:
    with offered(port, "permessage-deflate") as ws:
        sizes = []
        for _ in range(3):
            ws.text(LONG.decode())
            sizes.append(len(ws.recv().payload))
        assert sizes[1] < sizes[0] / 2
        ws.finish()


def test_what_is_small_is_sent_as_it_is(serve: Serve) -> None:
    with offered(serve("--ws-deflate-bytes-min", "100").port, "permessage-deflate") as ws:
        ws.text("a" * 99)
        assert not ws.recv().compressed
        ws.text("a" * 100)
        assert ws.recv().compressed
        ws.finish()


def test_fragments_of_a_compressed_message(port: int) -> None:
    with offered(port, "permessage-deflate", "/length") as ws:
        data = Peer().deflate(LONG)
        parts = [data[at : at + 3] for at in range(0, len(data), 3)]
        ws.send(frame(TEXT, parts[0], fin=False, rsv=4))
        for part in parts[1:]:
            ws.send(frame(CONTINUATION, part, fin=False) + frame(PING))
            ws.recv()
        ws.send(frame(CONTINUATION))
        assert ws.recv().payload == b"%d" % len(LONG)
        ws.finish()


def test_messages_that_are_not_compressed_in_between(port: int) -> None:
    with offered(port, "permessage-deflate", "/length") as ws:
        peer = Peer()
        for compressed in (True, False, True, False, True):
            ws.send(frame(TEXT, peer.deflate(LONG), rsv=4) if compressed else frame(TEXT, LONG))
            assert ws.recv().payload == b"%d" % len(LONG)
        ws.finish()


def test_the_examples_of_the_rfc(port: int) -> None:
    """RFC 7692, 7.2.3: two messages, an uncompressed block, a final block, two blocks."""
    with offered(port, "permessage-deflate") as ws:
        for payload in (
            "f2 48 cd c9 c9 07 00",
            "f2 00 11 00 00",
            "00 05 00 fa ff 48 65 6c 6c 6f 00",
            "f3 48 cd c9 c9 07 00 00",
            "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
            "f3 48 cd 01 00 cb c9 07 00 00",
        ):
            ws.send(frame(TEXT, bytes.fromhex(payload), rsv=4))
            assert ws.recv().payload == b"Hello"
        ws.finish()


@pytest.mark.memory
def test_what_a_connection_holds(serve: Serve) -> None:
    """Both contexts, filled, of many connections: what docs/websocket.md tells."""
    server = serve("--ws-max-queue", "16")
    words = [b"%08x" % (number * 2654435761 % 2**32) for number in range(2000)]
    count = 40

    def talk() -> WebSocket:
        chance = random.Random(1)
        ws = offered(server.port, "permessage-deflate; client_max_window_bits=12")
        peer = Peer(12, 12)
        for _ in range(4):
            message = b" ".join(chance.sample(words, 500))
            ws.send(frame(TEXT, peer.deflate(message), rsv=4))
            assert peer.inflate(ws.recv().payload) == message
        return ws

    talk().sock.close()
    before = memory_bytes(server, "VmRSS")
    held = [talk() for _ in range(count)]
    grown = memory_bytes(server, "VmRSS") - before
    for ws in held:
        ws.sock.close()
    assert grown / count < 60_000


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"\xff\xff\xff\xff", rsv=4), 1002),
        (frame(TEXT, b"\x06", rsv=4), 1002),
        (frame(TEXT, Peer().deflate(b"\xff\xfe"), rsv=4), 1007),
        (frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", rsv=4), 1002),
        (frame(PING, b"", rsv=4), 1002),
        # An end of the stream for every other byte: for each, what is behind it would be looked at anew.
        (frame(BINARY, b"\x03\x00" * 500_000, rsv=4), 1002),
        (frame(TEXT, b"", rsv=6), 1002),
    ],
    ids=["no block", "no code", "no text", "marked late", "marked ping", "many ends", "another mark"],
)
def test_what_breaks_it(port: int, sent: bytes, code: int) -> None:
    with offered(port, "permessage-deflate") as ws:
        ws.send(sent)
        assert ws.closed().code == code
