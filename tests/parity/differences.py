"""In what may the implementations differ, and why?

Two outcomes of the same bytes agree if the answers are the same but for their Date, the application saw the
same requests, and the connection ended alike. `TABLE` has the exceptions; docs/how-a-server-works.md tells
of the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from wire.exchange import Outcome
from wire.seen import Seen

__all__ = ["OPTIONS_WITHOUT_MEANING", "TABLE", "Difference", "assert_agree"]


@dataclass(frozen=True)
class Difference:
    """A row: `name`, `of` whom, `why`, and whether it is about these bytes.

    Whatever the row, neither side may serve what the other refuses, or anything behind it: one says 4xx or
    5xx at the end, and so does the other, or it waits for the rest of the head, and ends without that.
    """

    name: str
    of: str
    why: str
    concerns: Callable[[bytes], bool]


def _has(pattern: bytes) -> Callable[[bytes], bool]:
    return lambda data: re.search(pattern, data) is not None


TABLE = (
    Difference(
        "a framing field's value",
        "h11",
        "Content-Length and Transfer-Encoding are judged at the end of the head, by llhttp byte by byte: a "
        "fault behind theirs may be found first, and a client that stops before the end hears nothing.",
        _has(rb"(?i)content-length|transfer-encoding"),
    ),
    Difference(
        "an authority in the target",
        "h11",
        "It is judged at the end of the head, as above.",
        _has(rb"(?i)https?://"),
    ),
    Difference(
        "the preface of HTTP/2",
        "h11",
        "It is judged at the end of what would be its head: 505, as llhttp says before it has come so far.",
        _has(rb"PRI "),
    ),
    Difference(
        "words of RTSP",
        "h11",
        "They are unknown methods: 501. llhttp reads them, and refuses the line at its version: 400.",
        _has(rb"(^|[^A-Z])(DES|F|AN|SE|PL|PA|TE|GET_|RE)|[A-Z]+ [^ ]* (RTSP|ICE)"),
    ),
)

#: To the server in plain Python, and what it does instead.
OPTIONS_WITHOUT_MEANING = {
    "pipelined_requests_max": "one request of a connection in a turn of the event loop, whatever it says",
    "ws_deflate_memory_level": "wsproto makes its compressors itself, with zlib's own level, 8",
}

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ")


def assert_agree(data: bytes, http: str, outcome: Outcome, other_http: str, other: Outcome) -> None:
    """Raises AssertionError if the two differ and no row of the table allows it."""
    ours, theirs = outcome.comparable(), other.comparable()
    if ours == theirs:
        return
    rows = [row for row in TABLE if row.of in (http, other_http) and row.concerns(data)]
    if rows and _both_refuse(outcome, other):
        return
    raise AssertionError(
        f"{http} and {other_http} differ, and no row of parity/differences.py tells why\n"
        f"  bytes: {data!r}\n {http:>6}: {ours}\n {other_http:>6}: {theirs}"
    )


def _both_refuse(one: Outcome, other: Outcome) -> bool:
    served = []
    for outcome in (one, other):
        statuses = _STATUS.findall(outcome.raw)
        refused = bool(statuses) and statuses[-1] >= b"400"
        served.append((statuses[:-1] if refused else statuses, _heard(outcome), outcome.ending))
    return served[0] == served[1] and (_STATUS.findall(one.raw) != [] or _STATUS.findall(other.raw) != [])


def _heard(outcome: Outcome) -> list[Seen]:
    return [seen for seen in outcome.seen if seen.complete]
