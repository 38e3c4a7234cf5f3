"""fastserve/address.py: what people write, and what it names."""

from __future__ import annotations

import pytest

from fastserve.address import parsed


@pytest.mark.parametrize(
    ("address", "kind", "value"),
    [
        ("127.0.0.1:80", "tcp", "127.0.0.1:80"),
        ("127.0.0.1", "tcp", "127.0.0.1:8000"),
        ("localhost:0", "tcp", "localhost:0"),
        (":65535", "tcp", ":65535"),
        ("*:80", "tcp", ":80"),
        ("[::1]:80", "tcp", "::1:80"),
        ("[fe80::1%eth0]:80", "tcp", "fe80::1%eth0:80"),
        ("[::]", "tcp", ":::8000"),
        ("unix:/run/app.sock", "unix", "/run/app.sock"),
        ("unix:relative", "unix", "relative"),
        ("fd://7", "fd", "7"),
    ],
)
def test_what_an_address_names(address: str, kind: str, value: str) -> None:
    assert parsed(address) == (kind, value)


@pytest.mark.parametrize(
    "address",
    [
        "::1:80",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "a:b",
        "a b:80",
        "[::1",
        "/run/app.sock",
        "unix:",
        "fd://",
        "fd://x",
        "http://a:80",
    ],
)
def test_what_names_nothing(address: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        parsed(address)
