"""fastserve/tls/mixed.py: which connections are plain, by the address that they came to?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastserve.tls.mixed import Mixed

PLAIN_NAMES = [("127.0.0.1", 80), ("0.0.0.0", 8080), ("::1", 80, 0, 0), ("::", 8081, 0, 0), "/run/plain.sock"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (("127.0.0.1", 80), "plain"),
        (("127.0.0.1", 443), "encrypted"),
        (("10.0.0.1", 80), "encrypted"),
        (("10.0.0.1", 8080), "plain"),
        (("2001:db8::1", 8080, 0, 0), "encrypted"),
        (("::1", 80, 0, 0), "plain"),
        (("fe80::1", 8081, 0, 2), "plain"),
        (("::ffff:10.0.0.1", 8081, 0, 0), "plain"),
        (("10.0.0.1", 8081), "encrypted"),
        ("/run/plain.sock", "plain"),
        ("/run/tls.sock", "encrypted"),
    ],
)
def test_address(name: Any, expected: str) -> None:
    told: list[Any] = []

    class Behind(asyncio.Protocol):
        def __init__(self, kind: str) -> None:
            self.kind = kind

        def connection_made(self, transport: Any) -> None:
            told.append(transport)

    class Wire:
        protocol: Any = None

        def get_extra_info(self, what: str) -> Any:
            assert what == "sockname"
            return name

        def set_protocol(self, protocol: Any) -> None:
            self.protocol = protocol

    wire = Wire()
    mixed = Mixed(lambda: Behind("encrypted"), lambda: Behind("plain"), PLAIN_NAMES)
    mixed().connection_made(wire)  # type: ignore[arg-type]
    assert wire.protocol.kind == expected
    assert told == [wire]
