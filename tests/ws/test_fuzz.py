"""Does the server do with any sequence of frames what RFC 6455 says, however it is cut?

fuzz_session.py says what that is.
"""

from __future__ import annotations

import random

import pytest
from server.process import Process

from .client import WebSocket
from .conftest import Serve
from .fuzz_session import WORDS, check_compressed, check_frames

CASES = 30


@pytest.mark.parametrize("part", range(5))
def test_frames_at_random(server: Process, seed: int, part: int) -> None:
    for number in range(CASES):
        check_frames(server, f"{seed} {part} {number}")
    assert "could not be worked off" not in server.output


def test_compressed_messages_at_random(serve: Serve, seed: int) -> None:
    server = serve(*WORDS)
    for number in range(CASES):
        check_compressed(server, f"{seed} {number}")
    assert "could not be worked off" not in server.output


def test_bytes_at_random(server: Process, seed: int) -> None:
    """No frames at all: the connection ends, and nobody else notices."""
    chance = random.Random(seed)
    with WebSocket(server.port) as other:
        for _ in range(100):
            with WebSocket(server.port) as ws:
                ws.send(chance.randbytes(chance.choice([1, 2, 14, 200, 5000])))
        other.text("still here")
        assert other.recv().payload == b"still here"
        other.finish()
    assert "could not be worked off" not in server.output
