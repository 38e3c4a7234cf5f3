"""What is the most that a client can make the server hold, do, or wait for?"""

from __future__ import annotations

import json
import sys
import time
import zlib

import pytest
from server.process import Process

from fastserve.options import OPTIONS

from .client import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, WebSocket, close, frame
from .conftest import HERE, Serve

MAX = 1000
SMALL = ("--ws-max-size", str(MAX))
DEFLATE = {"Sec-WebSocket-Extensions": "permessage-deflate"}


def memory_bytes(server: Process, what: str = "VmHWM") -> int:
    """What the process holds, or has held at most."""
    with open(f"/proc/{server.popen.pid}/status") as status:
        line = next(line for line in status if line.startswith(what))
    return int(line.split()[1]) * 1024


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def test_every_option_is_set_by_a_test() -> None:
    suite = "\n".join(path.read_text() for path in HERE.glob("test_*.py"))
    names = [option.spelling.split("/")[-1] for option in OPTIONS if option.group == "websocket"]
    assert [name for name in names if f'"{name}"' not in suite] == []


@pytest.mark.parametrize(
    "sent",
    [
        frame(TEXT, b"x" * MAX),
        frame(BINARY, b"x" * MAX),
        frame(TEXT, b"x" * (MAX - 1), fin=False) + frame(CONTINUATION, b"x"),
        frame(TEXT, deflated(b"x" * MAX), rsv=4),
    ],
    ids=["text", "binary", "fragments", "compressed"],
)
def test_a_message_at_the_limit(serve: Serve, sent: bytes) -> None:
    with WebSocket(serve(*SMALL).port, "/length", DEFLATE) as ws:
        ws.send(sent)
        assert ws.recv().payload == b"%d" % MAX
        ws.finish()


@pytest.mark.parametrize(
    "sent",
    [
        frame(TEXT, b"", length=MAX + 1),
        frame(BINARY, b"", length=1 << 40),
        frame(TEXT, b"x" * MAX, fin=False) + frame(CONTINUATION, b"", length=1),
        frame(TEXT, deflated(b"x" * (MAX + 1)), rsv=4),
        frame(BINARY, deflated(b"x" * (MAX + 1)), rsv=4),
    ],
    ids=["one frame", "one large frame", "fragments", "compressed text", "compressed bytes"],
)
def test_46_a_message_over_the_limit(serve: Serve, sent: bytes) -> None:
    server = serve(*SMALL)
    with WebSocket(server.port, "/length", DEFLATE) as ws:
        ws.send(sent)
        assert ws.closed().code == 1009


def test_an_accepted_one_holds_no_more_than_it_needs(servers: Serve) -> None:
    """A scope that is made for keys of any kind takes a third more; and a line in the log may leave an object
    of the application's frame, as large as that."""
    with WebSocket(servers().port, "/weighed") as ws:
        scope, alike, frames = json.loads(ws.recv().payload)
        ws.finish()
    assert scope <= alike
    assert frames == 0 or sys.version_info < (3, 11)  # it has one from the beginning


@pytest.mark.memory
def test_46_an_announced_message_takes_no_memory(server: Process) -> None:
    """A million bytes of a message of 16 MiB have come, of each of 20 clients."""
    before = memory_bytes(server, "VmRSS")
    clients = [WebSocket(server.port) for _ in range(20)]
    for ws in clients:
        ws.send(frame(BINARY, bytes(1_000_000), length=1 << 24))
        ws.send(b"")
    time.sleep(0.3)
    assert memory_bytes(server, "VmRSS") - before < 20 * 4_000_000
    for ws in clients:
        ws.sock.close()


def test_46_a_bomb(serve: Serve) -> None:
    """A gigabyte of nothing in a megabyte: no more than the limit is ever held."""
    server = serve("--ws-max-size", str(2_000_000))
    compressor = zlib.compressobj(9, wbits=-15)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(1024)) + compressor.flush()
    with WebSocket(server.port, "/length", DEFLATE) as ws:
        before = memory_bytes(server)
        ws.send(frame(BINARY, bomb, rsv=4))
        assert ws.closed().code == 1009
    assert memory_bytes(server) - before < 12_000_000


@pytest.mark.memory
def test_47_a_million_fragments(serve: Serve) -> None:
    server = serve("--ws-fragments-max", str(2_000_000))
    empty, single = frame(CONTINUATION, b"", fin=False), frame(CONTINUATION, b"x", fin=False)
    with WebSocket(server.port, "/length") as ws:
        ws.text("warm")
        ws.recv()
        before = memory_bytes(server)
        ws.send(frame(TEXT, b"", fin=False))
        for _ in range(500):
            ws.send((empty + single) * 1000)
        ws.send(frame(CONTINUATION, b"x"))
        assert ws.recv().payload == b"500001"
        ws.finish()
    assert memory_bytes(server) - before < 8_000_000


def test_47_too_many_fragments(serve: Serve) -> None:
    server = serve("--ws-fragments-max", "3")
    with WebSocket(server.port, "/length") as ws:
        for _ in range(2):
            ws.send(
                frame(TEXT, b"a", fin=False)
                + frame(CONTINUATION, b"a", fin=False)
                + frame(CONTINUATION, b"a")
            )
            assert ws.recv().payload == b"3"
        ws.send(frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"", fin=False) * 3)
        assert ws.closed().code == 1008


# ---- the application does not keep up ----


def stuffed(ws: WebSocket, piece: bytes, bytes_max: int) -> int:
    """Send pieces until the connection takes no more; how many went."""
    ws.sock.settimeout(0.5)
    count = 0
    try:
        while count * len(piece) < bytes_max:
            ws.send(piece)
            count += 1
    except TimeoutError:
        return count
    raise AssertionError("the server reads on")


@pytest.mark.memory
@pytest.mark.parametrize(
    ("words", "size"),
    [(("--ws-max-queue", "4"), 5000), (("--ws-queue-bytes-max", "50000"), 5000), ((), 5000), ((), 900_000)],
)
def test_messages_that_nobody_receives_stop_the_client(
    serve: Serve, words: tuple[str, ...], size: int
) -> None:
    """And all of them are there once somebody does."""
    server = serve(*words)
    before = server.output.count("waiting")
    ended = server.output.count("disconnect after ")
    batch = 1 if size > 100_000 else 10
    with WebSocket(server.port, "/waits") as ws:
        server.wait_for("waiting", before + 1)
        held = memory_bytes(server, "VmRSS")
        sent = stuffed(ws, frame(BINARY, bytes(size)) * batch, 60_000_000) * batch
        assert memory_bytes(server, "VmRSS") - held < 6_000_000
        server.get("/go")
    server.wait_for("disconnect after ", ended + 1)
    count = int(server.output.rpartition("disconnect after ")[2].partition(":")[0])
    assert sent <= count <= sent + batch  # the last batch may have gone in part


def test_text_counts_by_the_memory_that_it_takes(serve: Serve) -> None:
    """Four bytes for each character, where one is beyond U+FFFF; not by its length."""
    server = serve("--ws-max-queue", "1000000", "--ws-queue-bytes-max", "10000000")
    before = server.output.count("waiting")
    with WebSocket(server.port, "/waits") as ws:
        server.wait_for("waiting", before + 1)
        stuffed(ws, frame(TEXT, "𝄞".encode() * 100_000), 38_000_000)  # raises if the server reads on
        server.get("/go")


def test_pings_do_not_end_a_client_whose_messages_wait(serve: Serve) -> None:
    """Its pong is behind them."""
    server = serve("--ws-max-queue", "1", "--ws-ping-interval", "0.1", "--ws-ping-timeout", "0.2")
    before = server.output.count("waiting")
    with WebSocket(server.port, "/waits") as ws:
        server.wait_for("waiting", before + 1)
        ws.text("one")
        ws.text("last")
        time.sleep(0.8)
        server.get("/go")
        while (got := ws.recv()).opcode not in (TEXT, CLOSE):
            pass
        assert got.payload == b"2 messages"


def test_an_application_may_close_with_messages_waiting(serve: Serve) -> None:
    with WebSocket(serve("--ws-max-queue", "1").port, "/closes?bytes=9") as ws:
        ws.send(frame(TEXT, b"x") * 50 + close())
        while ws.recv().opcode != CLOSE:
            pass
        ws.ended()


# ---- the client does not keep up ----


def test_send_waits_for_a_client_that_does_not_read(server: Process) -> None:
    before = server.output.count("ClientDisconnected is an OSError")
    with WebSocket(server.port, "/sends-on?bytes=20000", receive_buffer_bytes=4096) as ws:
        time.sleep(0.5)
        said = [int(line.split()[1]) for line in server.output.splitlines() if line.startswith("sent ")]
        time.sleep(0.2)
        again = [int(line.split()[1]) for line in server.output.splitlines() if line.startswith("sent ")]
        assert said == again
        assert not said or max(said) * 20000 < 20_000_000
        ws.send(close())
    server.wait_for("ClientDisconnected is an OSError", before + 1)


@pytest.mark.memory
def test_pings_of_a_client_that_does_not_read_take_no_memory(serve: Serve) -> None:
    """It is owed one pong, to its last ping (RFC 6455, 5.5.3), and gets it once it reads."""
    server = serve("--ws-ping-interval", "0", "--ws-answer-timeout-s", "0.2")
    with WebSocket(server.port, receive_buffer_bytes=4096) as ws:
        ws.text("warm")
        ws.recv()
        before = memory_bytes(server)
        for _ in range(300):
            ws.send(frame(PING, b"p" * 125) * 1000)
        ws.send(frame(PING, b"the last"))
        pongs = 1
        while ws.recv() != Frame(PONG, b"the last"):
            pongs += 1
        assert memory_bytes(server) - before < 4_000_000
        assert pongs < 300_000
        ws.finish()


def test_a_client_that_never_reads_is_given_up(serve: Serve) -> None:
    server = serve("--write-timeout-s", "0.5")
    ws = WebSocket(server.port, "/sends-on?bytes=20000", receive_buffer_bytes=4096)
    server.wait_for("ClientDisconnected is an OSError")
    server.wait_for("then {'type': 'websocket.disconnect', 'code': 1006, 'reason': ''}")
    ws.sock.close()


def test_an_application_that_only_sends_lets_others_on(port: int) -> None:
    with WebSocket(port, "/hogs") as ws, WebSocket(port) as other:
        ws.recv()
        other.text("me too")
        assert other.recv().payload == b"me too"
        ws.text("enough")
        while ws.recv().opcode != CLOSE:
            pass
