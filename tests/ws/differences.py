"""In what does a WebSocket over wsproto differ, and why?

Each row names the tests of this suite that it makes fail, by their ids; those have to fail. docs/websocket.md
tells of the same rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["TABLE", "Difference", "difference_of"]


@dataclass(frozen=True)
class Difference:
    """A row; `costly`: the test is not run at all."""

    name: str
    why: str
    tests: str
    costly: bool = False


TABLE = (
    Difference(
        "which offer of permessage-deflate is accepted",
        "wsproto's choice: it passes over parameters that it does not know, tells no window that the client "
        "did not ask for, and adds none of its own.",
        r"test_what_is_agreed_on\[(?!.*(=16|=7|=8-None|x-webkit|--None))",
    ),
    Difference(
        "a message that cannot be decompressed",
        "1007; 1002 is what says that the frames are wrong.",
        r"test_what_breaks_it\[wsproto-no (block|code)\]",
    ),
    Difference(
        "the ends of half a million DEFLATE streams as one message",
        "What stands behind the first is ignored.",
        r"test_what_breaks_it\[wsproto-many ends\]",
    ),
    Difference(
        "a ping within a compressed message",
        "wsproto forgets that the message is compressed.",
        r"test_fragments_of_a_compressed_message\[",
    ),
    Difference(
        "a final block of DEFLATE",
        "wsproto decompresses nothing behind it (RFC 7692, 7.2.3.4).",
        r"test_the_examples_of_the_rfc\[",
    ),
    Difference(
        "the close code 1014",
        "wsproto does not know it: 1002. It was registered behind RFC 6455.",
        r"test_codes_reach_the_application\[.*1014\]",
    ),
    Difference(
        "a length in more bytes than it needs",
        "1002, as RFC 6455, 5.2 allows.",
        r"test_a_length_in_more_bytes_than_it_needs\[",
    ),
    Difference(
        "what compression takes",
        "More than twice as much: wsproto makes its compressors itself, with zlib's own level of memory.",
        r"test_what_a_connection_holds\[",
    ),
    Difference(
        "a million fragments",
        "The same, in a minute.",
        r"test_47_a_million_fragments\[",
        costly=True,
    ),
)


def difference_of(test: str) -> Difference | None:
    """The row that tells of this test, by its name with parameters."""
    return next((row for row in TABLE if re.match(row.tests, test)), None)
