"""What do the counted numbers look like to StatsD?

UDP datagrams of lines such as `fastserve.requests.GET.200:17|c`, every so often: what has been added to a
counter since the last time, and gauges as they are. Of the histograms, the quantiles of what came in between.
Nobody answers, and nobody is waited for.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from fastserve.errors import StartupError
from fastserve.tally import Numbers, quantile

__all__ = ["SEND_INTERVAL_S", "StatsD", "lines"]

#: How often to send: StatsD's own servers sum up over so much time.
SEND_INTERVAL_S = 10.0

_PREFIX = "fastserve"
#: What fits into one packet of an Ethernet, as StatsD's documentation advises.
_DATAGRAM_BYTES_MAX = 1432
_HISTOGRAMS = {"durations": "request_duration", "lags": "loop_lag"}
_PERCENT = (50, 95, 99)


class StatsD:
    """Sends numbers to an address. Raises StartupError if the name is none."""

    def __init__(self, host: str, port: int) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise StartupError(f"Cannot send to StatsD at {host}:{port}: {error.strerror}") from None
        family, kind, protocol, _, address = found[0]
        self._address: Any = address
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._before: Numbers = {}

    def send(self, numbers: Numbers) -> None:
        total = numbers.get("total", {})
        for datagram in _packed(lines(numbers, self._before)):
            with contextlib.suppress(OSError):  # nobody listens there, or the network is full
                self._socket.sendto(datagram, self._address)
        self._before = total

    def close(self) -> None:
        self._socket.close()


def lines(numbers: Numbers, before: Numbers) -> Iterator[str]:
    """Return the lines for these numbers; `before` is `total` as it was when the last ones were made."""
    total = numbers.get("total", {})
    for key, found in total.items():
        if key in _HISTOGRAMS:
            yield from _quantiles(_HISTOGRAMS[key], found, before.get(key, {}))
        else:
            for name, number in _flat(key, found):
                added = number - _at(before, name)
                if added:
                    yield _line(name, added, "c")
    for key, found in numbers.get("now", {}).items():
        for name, number in _flat(key, found):
            yield _line(name, number, "g")


def _flat(key: str, found: Any) -> Iterator[tuple[tuple[str, ...], float]]:
    if isinstance(found, dict):
        for label, number in found.items():
            yield (key, label), number
    else:
        yield (key,), found


def _at(numbers: Numbers, name: tuple[str, ...]) -> float:
    found: Any = numbers
    for part in name:
        found = found.get(part, 0) if isinstance(found, dict) else 0
    return float(found) if not isinstance(found, dict) else 0.0


def _line(name: tuple[str, ...], number: float, kind: str) -> str:
    """Seconds are sent as milliseconds, since many servers take whole numbers only."""
    if name[0].endswith("_s"):
        name, number = (name[0][:-1] + "ms", *name[1:]), number * 1000
    # A method and a status are two parts of a name; anything else that is no name is one.
    parts = [part for one in name for part in (one.split(" ") if name[0] == "requests" else [one])]
    spelled = ".".join(re.sub(r"[^\w-]+", "_", part) for part in (_PREFIX, *parts))
    return f"{spelled}:{number:.0f}|{kind}"


def _quantiles(name: str, counts: Mapping[str, int], before: Mapping[str, int]) -> Iterator[str]:
    """Upper bounds of the buckets in which the quantiles lie, in ms; of the last bucket, its lower."""
    added = {bound: count - before.get(bound, 0) for bound, count in counts.items()}
    if any(added.values()):
        for percent in _PERCENT:
            yield f"{_PREFIX}.{name}.p{percent}_ms:{quantile(added, percent) * 1000:g}|g"


def _packed(found: Iterator[str]) -> Iterator[bytes]:
    datagram = b""
    for line in found:
        encoded = line.encode()
        if datagram and len(datagram) + 1 + len(encoded) > _DATAGRAM_BYTES_MAX:
            yield datagram
            datagram = b""
        datagram += b"\n" + encoded if datagram else encoded
    if datagram:
        yield datagram
