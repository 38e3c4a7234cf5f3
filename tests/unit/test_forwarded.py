"""fastserve/features/forwarded.py: where did a request begin, by what its proxies wrote?"""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastserve.features.forwarded import HOPS_MAX, Fields, Node, Origin, origin_of, parse_node
from fastserve.features.trust import TrustedPeers, address_of

CASES = pytest.mark.parametrize
TRUSTED = TrustedPeers("10.0.0.0/8,::1")
UNTOLD = Origin(None, None, None, None, None)


def origin(allowed: str = "10.0.0.0/8,::1", scheme: str = "http", **fields: str) -> Origin:
    encoded = {name: value.encode("latin-1") for name, value in fields.items()}
    return origin_of(Fields(**encoded), scheme, TrustedPeers(allowed))


@CASES(
    ("text", "node"),
    [
        ("1.2.3.4", ("1.2.3.4", 0)),
        ("1.2.3.4:80", ("1.2.3.4", 80)),
        ("1.2.3.4:_hidden", ("1.2.3.4", 0)),
        ("2001:db8::1", ("2001:db8::1", 0)),
        ("[2001:db8::1]", ("2001:db8::1", 0)),
        ("[2001:db8::1]:65535", ("2001:db8::1", 65535)),
        ("::ffff:1.2.3.4", ("::ffff:1.2.3.4", 0)),
    ],
)
def test_a_node(text: str, node: Node) -> None:
    assert parse_node(text) == node


@CASES(
    "text",
    ["", "unknown", "_hidden", "localhost", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "1.2.3.4:-1",
     "1.2.3.4:+80", "1.2.3.4:²", "[1.2.3.4]", "[::1", "[::1]80", "[::1]:", "[]", "[::1]:80:80", "::1]",
     "[fe80::1%eth0]", "fe80::1%\xff", "1.2.3.4 5.6.7.8", '"1.2.3.4"', "\xff"],
)  # fmt: skip
def test_what_is_no_node(text: str) -> None:
    assert parse_node(text) is None


@CASES(
    ("value", "client"),
    [
        ("1.2.3.4", ("1.2.3.4", 0)),
        ("1.2.3.4:5", ("1.2.3.4", 5)),
        ("6.6.6.6, 1.2.3.4", ("1.2.3.4", 0)),
        ("6.6.6.6, 1.2.3.4,10.0.0.1", ("1.2.3.4", 0)),
        ("[2001:db8::1]:5, ::1, 10.0.0.1:80", ("2001:db8::1", 5)),
        # All trusted: the left-most one began it.
        ("10.0.0.3, 10.0.0.2", ("10.0.0.3", 0)),
        # Garbage ends the reading: what is right of it counts.
        ("6.6.6.6, unknown", None),
        ("6.6.6.6, unknown, 10.0.0.1", ("10.0.0.1", 0)),
        ("unknown, 1.2.3.4", ("1.2.3.4", 0)),
        ("6.6.6.6, 1.2.3.4:99999", None),
        # Empty elements count for nothing.
        (" , 1.2.3.4,, ", ("1.2.3.4", 0)),
        ("", None),
        (" ,\t,", None),
    ],
)
def test_the_right_most_untrusted_hop_wins(value: str, client: Node | None) -> None:
    assert origin(forwarded_for=value) == UNTOLD._replace(client=client)


def test_whoever_trusts_everybody_gets_the_left_most() -> None:
    assert origin("*", forwarded_for="6.6.6.6, 1.2.3.4").client == ("6.6.6.6", 0)
    assert origin("*", forwarded_for="x, 1.2.3.4").client == ("1.2.3.4", 0)


@CASES(
    ("proto", "scheme"),
    [
        ("https", "https"), ("http", "http"), ("HTTPS", "https"), ("wss", "https"), ("ws", "http"),
        ("ftp", None), ("https;", None), ("", None), ("http s", None), ("\xff", None),
        ("http, https", "https"), ("https, http", "http"),
    ],
)  # fmt: skip
def test_a_scheme(proto: str, scheme: str | None) -> None:
    assert origin(proto=proto).scheme == scheme


@CASES(
    ("proto", "scheme"),
    [("https, http", "https"), ("http, https, http", "https"), ("https", "https"), ("https, x", "https")],
)
def test_a_list_of_schemes_goes_with_the_hops(proto: str, scheme: str) -> None:
    """10.0.0.1 wrote the right-most ones; who wrote 1.2.3.4 wrote the second from the right."""
    found = origin(forwarded_for="6.6.6.6, 1.2.3.4, 10.0.0.1", proto=proto)
    assert found == UNTOLD._replace(client=("1.2.3.4", 0), scheme=scheme)


@CASES(
    ("fields", "authority", "server"),
    [
        ({"host": "a.example"}, b"a.example", ("a.example", 80)),
        ({"host": "a.example:8080"}, b"a.example:8080", ("a.example", 8080)),
        ({"host": "a.example", "proto": "https"}, b"a.example", ("a.example", 443)),
        ({"host": "a.example", "scheme": "https"}, b"a.example", ("a.example", 443)),
        ({"host": "a.example", "port": "8443", "proto": "https"}, b"a.example:8443", ("a.example", 8443)),
        ({"host": "a.example", "port": "443", "proto": "https"}, b"a.example", ("a.example", 443)),
        ({"host": "a.example:1", "port": "2"}, b"a.example:1", ("a.example", 1)),
        ({"host": "a.example", "port": "0"}, b"a.example", ("a.example", 80)),
        ({"host": "[2001:db8::1]:81"}, b"[2001:db8::1]:81", ("2001:db8::1", 81)),
        ({"host": "b.example, a.example"}, b"a.example", ("a.example", 80)),
        ({"host": "a/x"}, None, None),
        ({"host": "a@b"}, None, None),
        ({"host": "a b"}, None, None),
        ({"host": "a:"}, None, None),
        ({"host": "a:0"}, None, None),
        ({"host": "a:65536"}, None, None),
        ({"host": "[1.2.3.4]"}, None, None),
        ({"host": "[:]"}, None, None),
        ({"host": "\xe4.example"}, None, None),
        ({"host": ""}, None, None),
    ],
)  # fmt: skip
def test_a_host(fields: dict[str, Any], authority: bytes | None, server: tuple[str, int] | None) -> None:
    found = origin(**fields)
    assert (found.authority, found.server) == (authority, server)
    assert found.server_port is None


@CASES(
    ("port", "number"), [("443", 443), ("1, 443", 443), ("0", None), ("65536", None), ("x", None), ("", None)]
)
def test_a_port_alone(port: str, number: int | None) -> None:
    assert origin(port=port) == UNTOLD._replace(server_port=number)


@CASES(
    ("value", "expected"),
    [
        ("for=1.2.3.4", {"client": ("1.2.3.4", 0)}),
        ('For="[2001:db8:cafe::17]:4711"', {"client": ("2001:db8:cafe::17", 4711)}),
        ("for=1.2.3.4:5", {"client": ("1.2.3.4", 5)}),
        ("for=1.2.3.4;proto=https;by=10.0.0.9", {"client": ("1.2.3.4", 0), "scheme": "https"}),
        ("for=6.6.6.6, for=1.2.3.4;proto=https , for=10.0.0.1;proto=http",
         {"client": ("1.2.3.4", 0), "scheme": "https"}),
        ('for=1.2.3.4;host="a.example:81"',
         {"client": ("1.2.3.4", 0), "authority": b"a.example:81", "server": ("a.example", 81)}),
        # What another hop said does not count for this one.
        ("for=1.2.3.4, for=10.0.0.1;proto=https", {"client": ("1.2.3.4", 0)}),
        # A hidden client: the last hop that is known.
        ("for=_hidden, for=10.0.0.1;proto=https", {"client": ("10.0.0.1", 0), "scheme": "https"}),
        ("for=unknown;proto=https", {"scheme": "https"}),
        ("proto=https", {"scheme": "https"}),
        ('for="1.2.3.4"; ;proto="ht\\tps"', {"client": ("1.2.3.4", 0), "scheme": "https"}),
    ],
)  # fmt: skip
def test_forwarded(value: str, expected: dict[str, Any]) -> None:
    assert origin(forwarded=value) == UNTOLD._replace(**expected)


@CASES(
    "bad", ["for", "for=", "=1.2.3.4", 'for="1.2.3.4', "for=1.2.3.4;for=5.6.7.8", "for = 1.2.3.4", "f r=1"]
)
def test_a_malformed_element_ends_the_reading(bad: str) -> None:
    assert origin(forwarded=bad) == UNTOLD
    assert origin(forwarded=f"for=6.6.6.6, {bad}, for=10.0.0.1").client == ("10.0.0.1", 0)


@CASES("open_quote", ['for="', 'for="x', 'host="a\\', '"', 'for=1;host="x,y'])
def test_an_open_quote_swallows_nothing(open_quote: str) -> None:
    """A client writes the left end; proxies append to it, on the same line too."""
    for appended in ("for=1.2.3.4", 'for="1.2.3.4:80"', 'for=1.2.3.4;host="a"'):
        found = origin(forwarded=f"{open_quote}, {appended}").client
        assert found is not None and found[0] == "1.2.3.4"


def test_forwarded_stands_alone() -> None:
    found = origin(forwarded="for=1.2.3.4", forwarded_for="5.6.7.8", proto="https", host="a", port="1")
    assert found == UNTOLD._replace(client=("1.2.3.4", 0))


def test_the_hops_that_are_looked_at_are_bounded() -> None:
    many = ", ".join(["6.6.6.6"] + ["10.0.0.1"] * HOPS_MAX)
    assert origin(forwarded_for=many).client == ("10.0.0.1", 0)
    began_s = time.process_time()
    for header in ("," * 65000, "10.0.0.1," * 7000, 'for="\\",\\",' * 6000, "for=1;" * 10000, '="\\' * 20000):
        for name in ("forwarded_for", "forwarded"):
            assert origin("*", **{name: header}).scheme is None
    assert time.process_time() - began_s < 1


PIECES = st.sampled_from(
    [
        "1.2.3.4",
        "10.0.0.1",
        "[::1]:80",
        "for",
        "=",
        ";",
        ",",
        '"',
        "\\",
        ":",
        "proto",
        "host",
        "http",
        "_x",
        " ",
        "\xff",
    ]
)


@given(st.lists(PIECES), st.sampled_from(["forwarded_for", "forwarded", "proto", "host", "port"]))
def test_whatever_comes_the_origin_is_one(pieces: list[str], name: str) -> None:
    found = origin(**{name: "".join(pieces)})
    assert found.client is None or (address_of(found.client[0]) and 0 <= found.client[1] <= 65535)
    assert found.scheme in (None, "http", "https")
    assert (found.server is None) == (found.authority is None)


@given(st.lists(PIECES), st.sampled_from(["forwarded_for", "forwarded"]))
def test_whatever_a_client_writes_the_proxy_has_the_last_word(pieces: list[str], name: str) -> None:
    written = {"forwarded_for": "1.2.3.4:5", "forwarded": 'for="1.2.3.4:5";proto=https'}[name]
    found = origin(**{name: "".join(pieces) + ", " + written})
    assert found.client == ("1.2.3.4", 5)
