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

__all__ = ["TABLE", "Difference", "assert_agree"]


@dataclass(frozen=True)
class Difference:
    """A row: `name` for a failure's text, `of` whom, `why`, and whether it is about these bytes.

    Whatever the row, either side must refuse: one answer of 4xx or 5xx at the end, and no request behind it.
    """

    name: str
    of: str
    why: str
    concerns: Callable[[bytes], bool]


TABLE: tuple[Difference, ...] = ()

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ")


def assert_agree(data: bytes, http: str, outcome: Outcome, other_http: str, other: Outcome) -> None:
    """Raises AssertionError if the two differ and no row of the table allows it."""
    ours, theirs = outcome.comparable(), other.comparable()
    if ours == theirs:
        return
    rows = [row for row in TABLE if row.of in (http, other_http) and row.concerns(data)]
    if rows and _refusal(outcome) == _refusal(other) is not None:
        return
    raise AssertionError(
        f"{http} and {other_http} differ, and no row of parity/differences.py tells why\n"
        f"  bytes: {data!r}\n {http:>6}: {ours}\n {other_http:>6}: {theirs}"
    )


def _refusal(outcome: Outcome) -> tuple[object, ...] | None:
    """What remains to compare of an outcome that ends in a refusal of any status; None of any other."""
    *served, last = _STATUS.findall(outcome.raw) or [b"200"]
    if last < b"400":
        return None
    return served, outcome.ending, [seen for seen in outcome.seen if seen.complete]
