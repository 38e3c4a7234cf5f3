"""What of a client's frames reaches the application, and what ends the connection? (RFC 6455, 5 to 8)

As the Autobahn test suite groups it: framing, pings, reserved bits, opcodes, fragmentation, UTF-8, closing.
"""

from __future__ import annotations

import random

import pytest
from server.process import Process

from .client import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    WebSocket,
    close,
    frame,
)

SIZES = [0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 200_000]


# ---- 1: framing ----


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_sizes(port: int, opcode: int, size: int) -> None:
    payload = bytes(random.randrange(32, 127) for _ in range(size))
    with WebSocket(port) as ws:
        ws.send(frame(opcode, payload))
        assert ws.recv() == Frame(opcode, payload)
        ws.finish()


def test_bytes_of_every_value(port: int) -> None:
    with WebSocket(port) as ws:
        ws.send(frame(BINARY, bytes(range(256)) * 3))
        assert ws.recv() == Frame(BINARY, bytes(range(256)) * 3)
        ws.finish()


@pytest.mark.parametrize("text", ["é", "€", "𝄞", "aé€𝄞" * 40, "\x00\x7f", "a" * 70 + "é", "￿"])
def test_texts(port: int, text: str) -> None:
    with WebSocket(port) as ws:
        ws.text(text)
        assert ws.recv() == Frame(TEXT, text.encode())
        ws.finish()


EXCHANGE = (
    frame(TEXT, b"first")
    + frame(TEXT, b"in p", fin=False)
    + frame(PING, b"between")
    + frame(CONTINUATION, "ärts".encode())
    + frame(BINARY, b"b" * 300)
    + frame(PONG, b"nobody asked")
    + frame(BINARY, b"", fin=False)
    + frame(CONTINUATION, b"", fin=False)
    + frame(CONTINUATION, b"c" * 200)
)
ANSWERS = [
    Frame(TEXT, b"first"),
    Frame(PONG, b"between"),
    Frame(TEXT, "in pärts".encode()),
    Frame(BINARY, b"b" * 300),
    Frame(BINARY, b"c" * 200),
]


@pytest.mark.parametrize("cut", ["whole", "byte by byte", *range(8)])
def test_the_cuts_do_not_matter(port: int, cut: str | int, seed: int) -> None:
    chance = random.Random(f"{seed} {cut}")
    with WebSocket(port) as ws:
        at = 0
        while at < len(EXCHANGE):
            step = (
                len(EXCHANGE)
                if cut == "whole"
                else 1
                if cut == "byte by byte"
                else chance.choice([1, 2, 7, 90])
            )
            ws.send(EXCHANGE[at : at + step])
            at += step
        answers = [ws.recv() for _ in ANSWERS]
        # Pings overtake messages, which the application answers.
        assert sorted(answers, key=repr) == sorted(ANSWERS, key=repr)
        assert [a for a in answers if a.opcode != PONG] == [a for a in ANSWERS if a.opcode != PONG]
        ws.finish()


# ---- 2: pings ----


@pytest.mark.parametrize("payload", [b"", b"hello", bytes(range(256))[131:], b"\x00\xff\xfe"])
def test_a_ping_is_answered(port: int, payload: bytes) -> None:
    with WebSocket(port) as ws:
        ws.send(frame(PING, payload))
        assert ws.recv() == Frame(PONG, payload)
        ws.finish()


def test_many_pings(port: int) -> None:
    with WebSocket(port) as ws:
        ws.send(b"".join(frame(PING, b"%d" % number) for number in range(200)))
        assert [ws.recv().payload for _ in range(200)] == [b"%d" % number for number in range(200)]
        ws.finish()


def test_a_pong_that_nobody_asked_for(port: int) -> None:
    with WebSocket(port) as ws:
        ws.send(frame(PONG, b"x") + frame(PING, b"y"))
        assert ws.recv() == Frame(PONG, b"y")
        ws.finish()


# ---- 48: what ends the connection ----


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"x", rsv=1), 1002),
        (frame(TEXT, b"x", rsv=2), 1002),
        (frame(BINARY, b"", rsv=4), 1002),
        (frame(PING, b"", rsv=7), 1002),
        (frame(CLOSE, b"", rsv=1), 1002),
        *((frame(opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        (frame(3, b"with a payload"), 1002),
        (frame(TEXT, b"x", masked=False), 1002),
        (frame(PING, b"x", masked=False), 1002),
        (frame(CONTINUATION, b"orphan"), 1002),
        (frame(CONTINUATION, b"orphan", fin=False), 1002),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        (frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b") + frame(CONTINUATION, b"c"), 1002),
        (frame(PING, b"x", fin=False), 1002),
        (frame(CLOSE, b"", fin=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PONG, b"x" * 126), 1002),
        (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
        (frame(BINARY, b"", length=1 << 63), 1002),
        (frame(CLOSE, b"\x03"), 1002),
        *(
            (close(code), 1002)
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
        ),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xc0\x80"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
        (frame(TEXT, b"\xe2\x82"), 1007),
        (frame(TEXT, b"a" * 200 + b"\xe2\x82"), 1007),
        (frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"\x41"), 1007),
        (frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b""), 1007),
        (close(1000, b"\xff"), 1007),
        (close(1000, b"\xe2\x82"), 1007),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_48_what_breaks_the_protocol(server: Process, sent: bytes, code: int, cut: bool) -> None:
    before = server.output.count(f"disconnect {code} ")
    with WebSocket(server.port) as ws:
        ws.text("before")
        assert ws.recv().payload == b"before"
        if cut:
            for byte in sent:
                ws.send(bytes((byte,)))
        else:
            ws.send(sent + frame(TEXT, b"behind"))
        while (last := ws.recv()).opcode != CLOSE:  # an echo of what was right
            pass
        assert last.code == code
        ws.ended()
    server.wait_for(f"disconnect {code} ", before + 1)


def test_messages_before_a_fault_arrive(server: Process) -> None:
    """And are answered: the end waits for an application that is about to."""
    for end, code in ((frame(3), 1002), (close(4000), 4000), (frame(TEXT, b"\xff"), 1007)):
        with WebSocket(server.port, "/length") as ws:
            ws.send(frame(TEXT, b"a") + frame(TEXT, b"ab") + end + frame(TEXT, b"abc"))
            assert [ws.recv().payload, ws.recv().payload] == [b"1", b"2"]
            assert ws.closed().code == code


@pytest.mark.parametrize("fin", [True, False])
def test_text_that_is_spoilt_is_seen_at_once(port: int, fin: bool) -> None:
    """Before the frame's end, before the message's end."""
    with WebSocket(port) as ws:
        whole = frame(TEXT, "κόσμε".encode() + b"\xf4\x90\x80\x80" + b"and more", fin=fin)
        ws.send(whole[: 6 + len("κόσμε".encode()) + 2])
        assert ws.closed().code == 1007


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_character_may_be_cut_anywhere(port: int, cut: int) -> None:
    text = "𝄞".encode()
    with WebSocket(port) as ws:
        ws.send(frame(TEXT, text[:cut], fin=False) + frame(PING) + frame(CONTINUATION, text[cut:]))
        assert sorted([ws.recv().payload, ws.recv().payload]) == [b"", text]
        ws.finish()


# ---- 7: closing ----


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999]
)
def test_codes_reach_the_application(server: Process, code: int) -> None:
    reason = f"reason {code} é"
    with WebSocket(server.port) as ws:
        assert ws.finish(code, reason.encode()).code == code
    server.wait_for(f"disconnect {code} {reason!r}")


def test_a_close_without_a_code(server: Process) -> None:
    before = server.output.count("disconnect 1005 ''")
    with WebSocket(server.port) as ws:
        assert ws.finish(None).payload == b""
    server.wait_for("disconnect 1005 ''", before + 1)


def test_the_longest_reason(server: Process) -> None:
    with WebSocket(server.port) as ws:
        assert ws.finish(1000, b"r" * 123).code == 1000
    server.wait_for("r" * 123)


def test_nothing_counts_behind_a_close(server: Process) -> None:
    with WebSocket(server.port) as ws:
        ws.send(close(1000) + frame(TEXT, b"late") + frame(PING) + close(1001) + b"\xff\xff")
        assert ws.closed().code == 1000


def test_a_length_in_more_bytes_than_it_needs(port: int) -> None:
    """It means one thing only, so it is taken, as by the libraries that uvicorn has."""
    with WebSocket(port) as ws:
        ws.send(b"\x81\xfe\x00\x01\x00\x00\x00\x00a" + b"\x81\xff" + bytes(7) + b"\x01\x00\x00\x00\x00b")
        assert [ws.recv().payload, ws.recv().payload] == [b"a", b"b"]
        ws.finish()
