"""fastserve/features/trust.py: which peers are believed?"""

from __future__ import annotations

import pytest

from fastserve.features.trust import TrustedPeers, address_of

CASES = pytest.mark.parametrize


@CASES(
    ("text", "address"),
    [
        ("127.0.0.1", (32, 0x7F000001)),
        ("::1", (128, 1)),
        ("0:0:0:0:0:0:0:1", (128, 1)),
        ("2001:DB8::", (128, 0x20010DB8 << 96)),
        ("::ffff:127.0.0.1", (32, 0x7F000001)),
    ],
)
def test_an_address_is_what_it_means(text: str, address: tuple[int, int]) -> None:
    assert address_of(text) == address


@CASES(
    "text",
    ["", "a", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", " 1.2.3.4", "1.2.3.4:80", "[::1]", "::1%lo",
     ":::", "1::2::3", "1.2.3.4\0", "１.2.3.4", "::\xff", "0x7f.1", "2130706433"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert address_of(text) is None


@CASES(
    ("allowed", "trusted", "strangers"),
    [
        ("127.0.0.1,::1", ["127.0.0.1", "::1", "::ffff:127.0.0.1"], ["127.0.0.2", "::2", "localhost", ""]),
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["9.255.255.255", "11.0.0.0"]),
        ("10.0.0.0/255.0.0.0", ["10.1.2.3"], ["11.0.0.0"]),
        ("0.0.0.0/0", ["1.2.3.4"], ["::1", "::"]),
        ("::/0", ["::1", "2001:db8::1"], ["1.2.3.4"]),
        ("2001:db8::/32", ["2001:db8:ffff::"], ["2001:db9::", "32.1.13.184"]),
        (" 1.1.1.1 , 2.2.2.2,, ", ["1.1.1.1", "2.2.2.2"], ["3.3.3.3"]),
        ("*", ["1.2.3.4", "anything"], []),
        ("1.1.1.1,*", ["1.2.3.4"], []),
        ("", [], ["127.0.0.1", ""]),
        ("unix:", [], ["127.0.0.1", "unix:"]),
    ],
)
def test_hosts(allowed: str, trusted: list[str], strangers: list[str]) -> None:
    peers = TrustedPeers(allowed)
    assert peers.rejected == []
    assert [host for host in trusted if host not in peers] == []
    assert [host for host in strangers if host in peers] == []


@CASES(
    ("allowed", "path", "is_trusted"),
    [
        ("127.0.0.1,::1", "/run/app.sock", False),
        ("*", "/run/app.sock", True),
        ("unix:", "/run/app.sock", True),
        ("10.0.0.1,unix:", "", True),
        ("unix:/run/app.sock", "/run/app.sock", True),
        ("unix:/run/app.sock", "/run/other.sock", False),
        ("unix:/run/app.sock", "", False),
    ],
)
def test_who_comes_through_a_unix_socket(allowed: str, path: str, is_trusted: bool) -> None:
    assert TrustedPeers(allowed).trusts(None, (path, None)) is is_trusted


def test_who_has_an_address() -> None:
    peers = TrustedPeers("fe80::/10,unix:/run/app.sock")
    server = ("/run/app.sock", 80)
    assert peers.trusts(("fe80::1%eth0", 5), server)
    assert not peers.trusts(("10.0.0.1", 5), server)
    assert not peers.trusts(None, None)


@CASES(
    "entry", ["nginx", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/x", "/run/app.sock", "unix", "1.2.3", "[::1]"]
)
def test_an_entry_that_means_nothing_trusts_nobody(entry: str) -> None:
    peers = TrustedPeers(f"1.1.1.1,{entry}")
    assert peers.rejected == [entry]
    assert "1.1.1.1" in peers
    assert entry not in peers
    assert not peers.trusts(None, (entry, None))
