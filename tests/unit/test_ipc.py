"""fastserve/supervisor/ipc.py: the channel between the supervisor and a child."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from fastserve.supervisor.ipc import Channel, pair


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    ours, descriptor = pair()
    theirs = Channel(socket.socket(fileno=descriptor))
    yield ours, theirs
    ours.close()
    theirs.close()


def test_an_order_arrives_with_its_sockets(ends: tuple[Channel, Channel]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ends[0].order({"what": "a" * 100_000}, [listening])
        ends[0].send(do="begin")
        order, (descriptor,) = ends[1].receive_order()
        with socket.socket(fileno=descriptor) as sock:
            assert order == {"what": "a" * 100_000}
            assert sock.getsockname() == listening.getsockname()
            assert not os.get_inheritable(sock.fileno())
    assert ends[1].receive(wait=True) == [{"do": "begin"}]


def test_more_descriptors_than_a_message_carries(ends: tuple[Channel, Channel]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ends[0].order("many", [listening] * 300)
        order, descriptors = ends[1].receive_order()
        for descriptor in descriptors:
            os.close(descriptor)
    assert (order, len({*descriptors})) == ("many", 300)


def test_messages_come_whole_and_in_order(ends: tuple[Channel, Channel]) -> None:
    for number in range(20_000):  # more than the sockets hold
        ends[0].send(number=number)
    assert ends[0].pending
    seen = []
    while len(seen) < 20_000:
        seen += ends[1].receive(wait=False) or []
        ends[0].flush()
    assert [message["number"] for message in seen] == [*range(20_000)]
    assert ends[1].receive(wait=False) == []


def test_what_is_no_message_is_left_out(ends: tuple[Channel, Channel]) -> None:
    os.write(ends[0].fileno(), b"print\n[1]\n\xff\n{}{}\n")
    assert ends[1].receive(wait=False) == []
    os.write(ends[0].fileno(), b'rest\n{"do": "be')
    os.write(ends[0].fileno(), b'gin"}\n')
    assert ends[1].receive(wait=True) == [{"do": "begin"}]


def test_the_end_is_told(ends: tuple[Channel, Channel]) -> None:
    ends[1].send(a=1)
    ends[1].close()
    assert ends[0].receive(wait=False) == [{"a": 1}]
    assert ends[0].receive(wait=True) is None
    ends[0].order("nobody", [])
    ends[0].send(do="begin")
    assert not ends[0].pending


def test_an_end_before_the_order(ends: tuple[Channel, Channel]) -> None:
    ends[0].close()
    with pytest.raises(EOFError):
        ends[1].receive_order()
