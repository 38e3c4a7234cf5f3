"""Does the server do with any sequence of frames what RFC 6455 says, however it is cut?

A model of the protocol in forty lines says what has to come back: each whole message, in order, and the close
code if the client breaks the protocol. Frames are made at random, right ones mostly, and cut at random; so
are compressed messages, some of which are bombs. For test_fuzz.py, and for fuzz/fuzz_websocket.py.
"""

from __future__ import annotations

import random
import struct
import zlib

from server.process import Process

from .client import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, close, frame

Outcome = tuple[list[tuple[int, bytes]], int | None]


class Model:
    """What a server has made of the frames so far."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, bytes]] = []
        self.code: int | None = None
        self._opcode = 0
        self._parts = b""

    def take(self, opcode: int, payload: bytes, fin: bool, rsv: int, masked: bool) -> None:
        """One frame. `code` is set by the one that ends the connection."""
        if rsv or not masked or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            self.code = 1002
        elif opcode >= CLOSE:
            self._control(opcode, payload, fin)
        elif (opcode == CONTINUATION) == (self._opcode == 0):
            self.code = 1002
        else:
            self._opcode = opcode or self._opcode
            self._parts += payload
            if self._opcode == TEXT and not may_become_text(self._parts, fin):
                self.code = 1007
            elif fin:
                self.messages.append((self._opcode, self._parts))
                self._opcode, self._parts = 0, b""

    def _control(self, opcode: int, payload: bytes, fin: bool) -> None:
        if not fin or len(payload) > 125:
            self.code = 1002
        elif opcode == CLOSE and payload:
            code = struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else 0
            valid = 3000 <= code < 5000 or 1000 <= code <= 1003 or 1007 <= code <= 1014
            self.code = 1002 if not valid else code if may_become_text(payload[2:], True) else 1007
        elif opcode == CLOSE:
            self.code = 1005


def may_become_text(data: bytes, whole: bool) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return not whole and error.reason == "unexpected end of data"
    return True


def some_payload(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.5:
        text = "".join(chance.choice("aé€𝄞") for _ in range(chance.choice([0, 1, 5, 60, 300])))
        return text.encode()
    if kind < 0.8:
        return ("aé€𝄞" * 3).encode()[chance.randrange(4) : chance.randrange(5, 28)]
    return chance.randbytes(chance.choice([1, 2, 10, 124, 125, 126, 5000]))


def some_frame(chance: random.Random, model: Model) -> tuple[int, bytes, bool, int, bool]:
    wrong = chance.random() < 0.04
    opcode = chance.choice([CONTINUATION if model._opcode else TEXT, TEXT, BINARY, CONTINUATION, PING, PONG])
    if not wrong:
        if opcode < CLOSE and (opcode == CONTINUATION) == (model._opcode == 0):
            opcode = CONTINUATION if model._opcode else chance.choice([TEXT, BINARY])
        payload = some_payload(chance)
        if model._opcode == TEXT or opcode == TEXT:
            payload = payload.decode(errors="ignore").encode() if chance.random() < 0.9 else payload
        if opcode >= CLOSE:
            return opcode, payload[:125], True, 0, True
        return opcode, payload, chance.random() < 0.6, 0, True
    opcode = chance.choice([opcode, CLOSE, CLOSE, chance.randrange(16)])
    code = chance.choice([*range(990, 1014), *range(1015, 1020)])  # 1014: differences.py
    payload = chance.choice([some_payload(chance), struct.pack("!H", code), b""])
    return (
        opcode,
        payload,
        chance.random() < 0.8,
        chance.choice([0, 0, chance.randrange(8)]),
        chance.random() < 0.9,
    )


def some_frames(chance: random.Random) -> tuple[bytes, Model]:
    """What a client sends; a Close is its end at the latest."""
    model = Model()
    sent = b""
    for _ in range(chance.randrange(1, 40)):
        opcode, payload, fin, rsv, masked = some_frame(chance, model)
        sent += frame(opcode, payload, fin, rsv, masked)
        model.take(opcode, payload, fin, rsv, masked)
        if model.code is not None:
            return sent + chance.randbytes(chance.choice([0, 3])), model
    return sent + close(4321), model


def hash_of(payload: bytes) -> int:
    return sum(payload) % 9973


#: The limit of the server that compressed messages are sent to; more than `some_frames` makes of a message.
SIZE_MAX = 200_000
WORDS = ("--ws-max-size", str(SIZE_MAX))


def send_cut(ws: WebSocket, sent: bytes, chance: random.Random) -> None:
    at = 0
    while at < len(sent):
        step = chance.choice([1, 2, 3, 30, 500, 100_000] if len(sent) < 5000 else [300, 5000, 100_000])
        ws.send(sent[at : at + step])
        at += step


def judge(server: Process, ws: WebSocket, expected: Outcome, case: str) -> None:
    """What comes back, and what the application has received, which is said in one line at its end."""
    messages, code = expected
    while (last := ws.recv()).opcode != CLOSE:
        assert last.opcode == PONG, case
    ws.ended()
    assert (last.code or 1005) == code, case
    received = [(opcode, len(payload), hash_of(payload)) for opcode, payload in messages]
    server.wait_for(f"recorded {code} {received}")


def check_frames(server: Process, case: str) -> None:
    """One connection of frames at random, by the seed `case`."""
    chance = random.Random(case)
    sent, model = some_frames(chance)
    with WebSocket(server.port, "/recorded") as ws:
        send_cut(ws, sent, chance)
        judge(server, ws, (model.messages, 4321 if model.code is None else model.code), case)


def check_compressed(server: Process, case: str) -> None:
    """One connection of compressed messages, the last of which may be a bomb, on a server with `WORDS`."""
    chance = random.Random(case)
    compressor = zlib.compressobj(wbits=-15)
    expected: list[tuple[int, bytes]] = []
    code = 4321
    sent = b""
    for _ in range(chance.randrange(1, 12)):
        size = chance.choice([0, 1, 300, 5000, SIZE_MAX])
        data = chance.choice([b"a", b"ab, ", chance.randbytes(40)]) * size
        data = data[:size]
        if chance.random() < 0.1:
            data, code = bytes(chance.choice([SIZE_MAX + 1, 10 * SIZE_MAX, 50 * SIZE_MAX])), 1009
        payload = (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        cut = chance.randrange(len(payload) + 1)
        if chance.random() < 0.5:
            sent += frame(BINARY, payload, rsv=4)
        else:
            sent += frame(BINARY, payload[:cut], fin=False, rsv=4) + frame(CONTINUATION, payload[cut:])
        if code == 1009:
            break
        expected.append((BINARY, data))
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    with WebSocket(server.port, "/recorded", offer) as ws:
        send_cut(ws, sent if code == 1009 else sent + close(4321), chance)
        judge(server, ws, (expected, code), case)
