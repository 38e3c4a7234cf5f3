"""fastserve/proxy_protocol/header.py: what is a PROXY header, and whose connection does it tell of?"""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastserve.proxy_protocol.checksum import crc32c
from fastserve.proxy_protocol.header import BadHeader, Ends, begins, read

BYTES_MAX = 65536
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
TCP4, TCP6, STREAM = 0x11, 0x21, 0x31

INET = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + struct.pack("!HH", 4711, 80)
INET6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1") * 2 + struct.pack("!HH", 4711, 443)
PATHS = b"/run/client".ljust(108, b"\0") + b"/run/app.sock".ljust(108, b"\0")

CLIENT, SERVER = ("192.0.2.1", 4711), ("192.0.2.2", 80)
SSL = b"\x20\0\x05\x01\0\0\0\0"  # the client spoke TLS, and its certificate is nobody's concern
PLAIN = b"\x20\0\x05\0\0\0\0\0"
UNKNOWN_FIELD = b"\xe0\0\x03abc"
CHECKSUM = b"\x03\0\x04\0\0\0\0"  # what it is made with


def binary(first: int, family: int, addresses: bytes, *fields: bytes) -> bytes:
    rest = addresses + b"".join(fields)
    return SIGNATURE + struct.pack("!BBH", first, family, len(rest)) + rest


def with_checksum(header: bytes) -> bytes:
    return header.replace(CHECKSUM, CHECKSUM[:3] + struct.pack("!I", crc32c(header)))


GOOD = {
    b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n": Ends(CLIENT, SERVER, False),
    b"PROXY TCP6 2001:db8::1 ::1 0 65535\r\n": Ends(("2001:db8::1", 0), ("::1", 65535), False),
    b"PROXY TCP6 2001:0DB8:0:0::1 ::ffff:1.2.3.4 1 2\r\n": Ends(
        ("2001:db8::1", 1), ("::ffff:1.2.3.4", 2), False
    ),
    b"PROXY UNKNOWN\r\n": None,
    b"PROXY UNKNOWN ffff:f...f:ffff ffff 65535 65535\r\n": None,
    b"PROXY UNKNOWN " + 91 * b"x" + b"\r\n": None,  # 107 bytes
    binary(PROXY, TCP4, INET): Ends(CLIENT, SERVER, False),
    binary(PROXY, TCP6, INET6): Ends(("2001:db8::1", 4711), ("2001:db8::1", 443), False),
    binary(PROXY, STREAM, PATHS): Ends(None, ("/run/app.sock", None), False),
    binary(PROXY, TCP4, INET, SSL): Ends(CLIENT, SERVER, True),
    binary(PROXY, TCP4, INET, PLAIN): Ends(CLIENT, SERVER, False),
    binary(PROXY, TCP4, INET, UNKNOWN_FIELD, SSL, UNKNOWN_FIELD): Ends(CLIENT, SERVER, True),
    binary(PROXY, TCP4, INET, b"\x20\0\0"): Ends(CLIENT, SERVER, False),
    binary(PROXY, TCP4, INET, b"\x04" + struct.pack("!H", 60000) + bytes(60000)): Ends(CLIENT, SERVER, False),
    with_checksum(binary(PROXY, TCP4, INET, CHECKSUM)): Ends(CLIENT, SERVER, False),
    with_checksum(binary(PROXY, TCP4, INET, UNKNOWN_FIELD, CHECKSUM, SSL)): Ends(CLIENT, SERVER, True),
    binary(PROXY, 0x00, b""): None,
    binary(PROXY, 0x00, b"whatever"): None,
    binary(LOCAL, 0x00, b""): None,
    binary(LOCAL, 0x77, b"not even fields"): None,
}


@pytest.mark.parametrize(("header", "ends"), GOOD.items(), ids=[repr(header[:60]) for header in GOOD])
def test_header(header: bytes, ends: Ends | None) -> None:
    """Whole, with bytes behind it, and never before its last byte."""
    assert read(header, BYTES_MAX) == (len(header), ends)
    assert read(bytearray(header + header), BYTES_MAX) == (len(header), ends)
    for size in range(min(len(header), 400)):
        assert read(header[:size], BYTES_MAX) is None
    assert read(header[:-1], BYTES_MAX) is None
    assert begins(header)


BAD = {
    b"GET / HTTP/1.1\r\n": "it does not begin with one",
    b"PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n": "it does not begin with one",
    b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n": "it does not begin with one",
    b"\r\n\r\n\0\r\nQUIT\r": "it does not begin with one",
    b"\x16\x03\x01": "it does not begin with one",
    b"PROXY UNKNOWN " + 92 * b"x" + b"\r": "its line is longer than 107 bytes",
    b"PROXY " + 101 * b"x": "its line is longer than 107 bytes",
    binary(0x11, TCP4, INET)[:16]: "its version is 1",
    binary(0x31, TCP4, INET): "its version is 3",
    binary(0x22, TCP4, INET): "its command is 2",
    binary(PROXY, 0x12, INET): "a connection of family 1 and kind 2 is none of ours",
    binary(PROXY, 0x10, INET): "a connection of family 1 and kind 0 is none of ours",
    binary(PROXY, 0x41, INET): "a connection of family 4 and kind 1 is none of ours",
    binary(PROXY, TCP4, INET[:-1]): "its addresses are cut off",
    binary(PROXY, TCP6, INET): "its addresses are cut off",
    binary(PROXY, STREAM, PATHS[:-1]): "its addresses are cut off",
    binary(PROXY, TCP4, INET, b"\x20"): "its last field is cut off",
    binary(PROXY, TCP4, INET, UNKNOWN_FIELD, b"\x20\0\x05\x01"): "its last field is cut off",
    binary(PROXY, TCP4, INET, CHECKSUM): "its checksum is wrong",
    with_checksum(binary(PROXY, TCP4, INET, CHECKSUM, SSL))[:-1] + b"\1": "its checksum is wrong",
    binary(PROXY, TCP4, INET, b"\x03\0\x03\0\0\0"): "its checksum has 3 bytes",
    SIGNATURE + struct.pack("!BBH", PROXY, TCP4, 65535): "it is longer than 65536 bytes",
}

OF_NO_FORM = [
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
    b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 123456\r\n",
    b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY UNKNOWNX\r\n",
    b"PROXY UNKNOWN x\ry\r\n",
    b"PROXY TCP6 [::1] ::1 1 2\r\n",
    b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    b"PROXY \r\n",
]
BAD.update(dict.fromkeys(OF_NO_FORM, "its line is not of the form of version 1"))
BAD.update(
    dict.fromkeys(
        [
            b"PROXY TCP4 ::1 ::1 1 2\r\n",
            b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
            b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.256 1 2\r\n",
            b"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n",
            b"PROXY TCP6 1::2::3 ::1 1 2\r\n",
        ],
        "an address is none",
    )
)
BAD[b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"] = "a port is none"


@pytest.mark.parametrize(("header", "why"), BAD.items(), ids=[repr(header[:60]) for header in BAD])
def test_what_is_not_exactly_right_is_refused(header: bytes, why: str) -> None:
    with pytest.raises(BadHeader) as raised:
        read(header, BYTES_MAX)
    assert str(raised.value) == why


@pytest.mark.parametrize(
    ("data", "crc"),
    [(bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E)],
    ids=["zeros", "ones", "incrementing"],
)
def test_checksums_of_rfc_3720(data: bytes, crc: int) -> None:
    """Appendix B.4."""
    assert crc32c(data) == crc


def test_a_header_may_be_as_long_as_is_allowed() -> None:
    header = binary(PROXY, TCP4, INET, UNKNOWN_FIELD)
    assert read(header, len(header)) is not None
    with pytest.raises(BadHeader, match="it is longer than"):
        read(header, len(header) - 1)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.builds(lambda rest: b"PROXY TCP4 " + rest, st.binary(max_size=120)),
        st.builds(
            binary, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=250), st.binary(max_size=20)
        ),
        st.builds(
            lambda header, at, byte: header[:at] + bytes([byte]) + header[at + 1 :],
            st.sampled_from([header for header in GOOD if len(header) < 400]),
            st.integers(0, 60),
            st.integers(0, 255),
        ),
    )
)
def test_any_bytes_have_one_answer_however_they_come(data: bytes) -> None:
    """Told as soon as it is known, and no byte behind it changes it."""
    answers = []
    for size in range(len(data) + 1):
        try:
            answer: object = read(data[:size], 200)
        except BadHeader as error:
            answer = str(error)
        if answer is not None:
            answers.append(answer)
    assert len(set(answers)) <= 1
