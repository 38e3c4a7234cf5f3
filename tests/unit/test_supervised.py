"""fastserve/supervised.py: what a worker does before it serves. tests/supervisor/ has the rest."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fastserve.supervised import resident_bytes, told_to_begin
from fastserve.supervisor.ipc import Channel, pair


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    ours, descriptor = pair()
    theirs = Channel(socket.socket(fileno=descriptor))
    yield ours, theirs
    ours.close()
    theirs.close()


def test_only_one_word_begins(ends: tuple[Channel, Channel]) -> None:
    """Signals that the supervisor passes on may come before it."""
    supervisor, worker = ends
    supervisor.send(do="reopen")
    supervisor.close()
    assert not told_to_begin(worker)


def test_it_begins_when_it_is_told(ends: tuple[Channel, Channel]) -> None:
    supervisor, worker = ends
    supervisor.send(do="reopen")
    supervisor.send(do="begin")
    supervisor.close()
    assert told_to_begin(worker)


def test_memory_is_told_in_bytes() -> None:
    before = resident_bytes()
    block = bytearray(64 * 2**20)
    block[::4096] = b"x" * (len(block) // 4096)
    assert 2**20 < before < resident_bytes() - 32 * 2**20
