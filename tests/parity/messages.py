"""What do clients send? Conversations by the grammar of RFC 9112, and the same a little bent."""

from __future__ import annotations

from hypothesis import strategies as st
from wire.fuzz_inputs import PIECES

__all__ = ["bent_conversations", "conversations", "cuts"]

TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
VISIBLE = [chr(byte) for byte in (0x21, 0x22, *range(0x24, 0x7F))]
OF_VALUES = [chr(byte) for byte in (*range(0x21, 0x7F), *range(0x80, 0x100))]

names = st.text(TOKEN, min_size=1, max_size=12).filter(
    # What frames, addresses or upgrades is written below, or not at all.
    lambda name: name.lower() not in {"host", "content-length", "transfer-encoding", "expect", "connection"}
)
values = st.lists(st.text(OF_VALUES, min_size=1, max_size=8), max_size=3).map(" \t".join)
fields = st.tuples(names, st.sampled_from(["", " ", "\t "]), values).map(
    lambda field: f"{field[0]}:{field[1]}{field[2]}\r\n".encode("latin-1")
)
targets = st.one_of(
    st.text(VISIBLE, max_size=20).map(lambda path: "/" + path.lstrip("/")),
    st.text(TOKEN.replace("#", ""), max_size=8).map(lambda path: f"http://a.b:80/{path}?{path}"),
)


def chunked(pieces: list[bytes], extension: bytes, trailer: bytes) -> bytes:
    lines = [b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces if piece]
    return b"".join([*lines, b"0", extension, b"\r\n", trailer, b"\r\n"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One whole request that every server has to serve."""
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "M-SEARCH"]))
    minor = draw(st.sampled_from([1, 1, 1, 0]))
    connection = draw(st.sampled_from(["", "", "", "Connection: keep-alive\r\n", "Connection: x, Close\r\n"]))
    lines = [b"Host: a\r\n", connection.encode(), *draw(st.lists(fields, max_size=4))]
    pieces = draw(st.lists(st.binary(max_size=20), max_size=3))
    framing = draw(st.sampled_from(["none", "length", "chunked" if minor == 1 else "length"]))
    body = b""
    if framing == "length":
        body = b"".join(pieces)
        lines.append(b"Content-Length: %d\r\n" % len(body))
    elif framing == "chunked":
        extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b c\\"";d']))
        body = chunked(pieces, extension, b"".join(draw(st.lists(fields, max_size=2))))
        lines.append(b"Transfer-Encoding: chunked\r\n")
    head = f"{method} {draw(targets)} HTTP/1.{minor}\r\n".encode()
    return head + b"".join(draw(st.permutations(lines))) + b"\r\n" + body


conversations = st.lists(requests(), min_size=1, max_size=3).map(b"".join)


@st.composite
def bent_conversations(draw: st.DrawFn) -> bytes:
    """A conversation with a few bytes taken out, put in, doubled or changed."""
    data = draw(conversations)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.sampled_from([0, 0, 1, 1, 2, 10])))
        put = draw(
            st.one_of(st.sampled_from(PIECES), st.binary(min_size=1, max_size=2), st.just(data[at:end] * 2))
        )
        data = data[:at] + put + data[end:]
    return data


cuts = st.lists(st.integers(1, 400), max_size=4)
