"""One conversation: the pieces a client sends, and all that comes of it.

A `Delivery` sends the same bytes in one of these ways and returns what came back:

    whole      one piece
    bytewise   one byte at a time
    cuts       two pieces, cut at a few places
    memory     all of the above and every cut there is, over a transport in memory (memory.py)

Over a socket the cuts are made with a short rest between the pieces, which makes them likely and not certain:
the kernel may still join them. In memory they are exact.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from .client import Client, Response, parse_responses
from .seen import Seen
from .servers import Pool, Server

REST_S = 0.001
"""Rest between two pieces, so that the server usually reads them apart."""
REST_BYTEWISE_S = 0.0001
BYTEWISE_RESTED_MAX = 2000
"""Longer inputs are sent byte by byte without a rest: the memory delivery cuts them for certain."""

EVERY_CUT_MAX = 1200
"""Inputs up to this length are cut at every offset, longer ones near both ends and at random places."""

_DATE = re.compile(rb"(?i)\r\ndate: [^\r\n]*")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass
class Outcome:
    """What came of a conversation."""

    raw: bytes
    """All bytes that the server sent."""
    ending: str
    """eof: the server closed in order. reset: by RST. open: it did not close while the client waited."""
    seen: list[Seen] = field(default_factory=list)
    log: str = ""
    """What the server wrote to stderr meanwhile; empty in memory."""

    def responses(self, *methods: str) -> list[Response]:
        """The answers to requests with these methods (default: all GET)."""
        return parse_responses(self.raw, list(methods) or ["GET"])

    def response(self, method: str = "GET") -> Response:
        """The only answer."""
        responses = self.responses(method)
        assert len(responses) == 1, f"{len(responses)} answers: {self.raw!r}"
        return responses[0]

    def comparable(self) -> tuple[object, ...]:
        """All that must not depend on how the bytes were cut.

        Chance decides how much of a broken body the application reads before it hears of the disconnect, and
        whether it is called at all; and whether 100 Continue is sent, which the server may spare itself once
        the body is there (RFC 9110, 10.1.1). The tests of row 36 look at that one piece at a time.
        """
        raw = _DATE.sub(b"\r\ndate: X", self.raw).replace(_CONTINUE, b"")
        return raw, self.ending, [seen for seen in self.seen if seen.complete or not seen.disconnected]


class Delivery(Protocol):
    """A way to send bytes to a server with the options of a profile (servers.PROFILES)."""

    name: str

    def __call__(
        self,
        data: bytes,
        *,
        half_close: bool = False,
        gate: str = "",
        late: bool = False,
        profile: str = "plain",
    ) -> Outcome:
        """Send the bytes, then shut the sending side if `half_close`, then open the gate, if one is named.

        The case must end with the server closing the connection. `late` says that the last bytes may find it
        closed: the kernel then answers them by RST, which counts as an orderly end.
        """
        ...


def cut(data: bytes, *offsets: int) -> list[bytes]:
    """The pieces of `data` between these offsets, in order; none is empty."""
    bounds = [0, *sorted(offsets), len(data)]
    return [data[a:b] for a, b in pairwise(bounds) if a < b]


def offsets_to_cut(data: bytes, rng: random.Random) -> list[int]:
    """Where to cut in two: everywhere, or, in a long input, near the ends and at random places."""
    size = len(data)
    if size <= EVERY_CUT_MAX:
        return list(range(1, size))
    third = EVERY_CUT_MAX // 3
    return [
        *range(1, third),
        *sorted(rng.sample(range(third, size - third), third)),
        *range(size - third, size),
    ]


def assert_same(outcome: Outcome, first: Outcome, how: str) -> None:
    """Raises AssertionError if the two differ in more than chance allows."""
    for cut_part, whole_part in zip(outcome.comparable(), first.comparable(), strict=True):
        if cut_part != whole_part:
            raise AssertionError(
                f"the outcome depends on the cut ({how})\n whole: {whole_part}\n   cut: {cut_part}"
            )


class SocketDelivery:
    """Sends the bytes over TCP, in the pieces that `split` makes of them, once for each list of pieces."""

    def __init__(
        self, name: str, pool: Pool, http: str, split: Callable[[bytes], Iterator[list[bytes]]]
    ) -> None:
        self.name = name
        self._pool = pool
        self._http = http
        self._split = split

    def __call__(
        self,
        data: bytes,
        *,
        half_close: bool = False,
        gate: str = "",
        late: bool = False,
        profile: str = "plain",
    ) -> Outcome:
        server = self._pool.get(self._http, profile)
        server.seen()  # forget what an earlier failure may have left
        first: Outcome | None = None
        for pieces in self._split(data):
            outcome = converse(server, pieces, half_close, gate)
            if late and outcome.ending == "reset":
                outcome.ending = "eof"
            if first is None:
                first = outcome
            assert_same(outcome, first, f"pieces of {[len(p) for p in pieces]} bytes")
            if outcome.ending == "open":
                break  # a failure already, and each further piece would cost the timeout
        assert first is not None
        return first


def in_one(data: bytes) -> Iterator[list[bytes]]:
    yield [data]


def bytewise(data: bytes) -> Iterator[list[bytes]]:
    yield [data[i : i + 1] for i in range(len(data))]


def few_cuts(data: bytes) -> Iterator[list[bytes]]:
    """Early, within the first head's last line, behind it, before the last byte; empty input as it is."""
    head_end = max(data.find(b"\r\n\r\n"), 2)
    wanted = {len(data) // 3, head_end + 3, head_end + 5, len(data) - 1}
    for offset in sorted(wanted & set(range(1, len(data)))) or [0]:
        yield cut(data, offset)


SOCKET_SPLITS: dict[str, Callable[[bytes], Iterator[list[bytes]]]] = {
    "whole": in_one,
    "bytewise": bytewise,
    "cuts": few_cuts,
}


def converse(server: Server, pieces: list[bytes], half_close: bool = False, gate: str = "") -> Outcome:
    """Send the pieces over one connection and collect what comes back until the server closes it."""
    log_start = server.stderr_size()
    with server.connect() as client:
        _send_pieces(client, pieces)
        if half_close:
            _shutdown_write(client)
        if gate:
            server.open_gate(gate)
        try:
            while client.receive():
                pass
        except TimeoutError:
            pass  # the ending says so: open
        raw, ending = client.buffer, client.ending
    return Outcome(raw, ending, server.seen(), server.stderr(log_start))


def _send_pieces(client: Client, pieces: list[bytes]) -> None:
    rest_s = REST_S if len(pieces) < 10 else REST_BYTEWISE_S if len(pieces) <= BYTEWISE_RESTED_MAX else 0.0
    try:
        for number, piece in enumerate(pieces):
            if number and rest_s:
                time.sleep(rest_s)
            client.send(piece)
    except ConnectionError:
        pass  # the server has closed: reading tells how


def _shutdown_write(client: Client) -> None:
    with contextlib.suppress(OSError):  # already reset
        client.shutdown_write()
