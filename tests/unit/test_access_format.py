"""fastserve/access_format.py: lines of the access log in the user's own format."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace

import pytest

from fastserve.access_format import Answered, access_format
from fastserve.errors import OptionError
from fastserve.options import BY_NAME


@dataclass(frozen=True)
class Request:
    method: str = "GET"
    raw_path: bytes = b"/a"
    query_string: bytes = b"b=1"
    http_version: str = "1.1"
    scheme: str = "https"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    client: tuple[str, int] | None = ("192.0.2.1", 5)
    request_id: str | None = None
    traceparent: str | None = None


REQUEST = Request(
    headers=[(b"user-agent", b"curl/8"), (b"referer", b"/from"), (b"x-a", b"1"), (b"x-a", b"2")]
)
ANSWERED = Answered(REQUEST, 200, 512, 7, 1.234567, 0.5)


def line(template: str, answered: Answered = ANSWERED) -> str:
    return access_format(template)(answered)


def test_every_name_of_gunicorn() -> None:
    template = " ".join(f"%({name})s" for name in "hlurmUqHsBbfaTMDL")
    assert line(template) == (
        "192.0.2.1 - - GET /a?b=1 HTTP/1.1 GET /a b=1 HTTP/1.1 200 512 512 /from curl/8 "
        "1 1234 1234567 1.234567"
    )
    assert re.fullmatch(r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] <\d+>", line("%(t)s %(p)s"))


def test_our_own_names() -> None:
    template = "%(received)s %(first_byte)s %(scheme)s %(request_id)s %(trace_id)s %(blocked_loop_ms)s"
    assert line(template) == "7 0.500000 https - - 0"
    named = replace(REQUEST, request_id="r1", traceparent="00-aaaa-bbbb-01")
    assert line(template, replace(ANSWERED, request=named, held_s=0.81, first_byte_s=None)) == (
        "7 - https r1 aaaa 810"
    )


def test_fields_of_the_request_in_any_case() -> None:
    assert line("%({X-A}i)s %({user-agent}i)s %({no}i)s") == "1 curl/8 -"


def test_no_answer_and_no_address() -> None:
    answered = Answered(replace(REQUEST, client=None, headers=[]), 499, 0, 0, 0.1)
    assert line("%(h)s %(b)s %(B)s %(a)s %(s)s %(first_byte)s", answered) == "- - 0 - 499 -"


@pytest.mark.parametrize(
    ("credentials", "user"),
    [
        (b"Basic am9lOnNlY3JldA==", "joe"),
        (b"basic am9l", "joe"),
        (b"Basic " + b"YSJiOmM=", r"a\x22b"),
        (b"Basic ====", "-"),
        (b"Basic \xff", "-"),
        (b"Bearer am9l", "-"),
        (b"", "-"),
    ],
)
def test_the_name_of_basic_authentication(credentials: bytes, user: str) -> None:
    assert (
        line("%(u)s", replace(ANSWERED, request=Request(headers=[(b"authorization", credentials)]))) == user
    )


def test_a_client_cannot_forge_a_line() -> None:
    request = Request(
        raw_path=b'/"\x1b[31m',
        query_string=b"%0a\x0a",
        headers=[(b"user-agent", b'x" 200\r\n"\\'), (b"referer", b"\xe9")],
    )
    for template in ("combined", "json", '%(r)s %(U)s %(q)s %(f)s "%(a)s" %({user-agent}i)s'):
        made = line(template, replace(ANSWERED, request=request))
        assert made.isascii() and made.isprintable(), made
    assert r'"GET /\x22\x1b[31m?%0a\x0a HTTP/1.1"' in line("combined", replace(ANSWERED, request=request))
    assert r'"x\x22 200\x0d\x0a\x22\x5c"' in line("combined", replace(ANSWERED, request=request))


def test_what_a_proxy_took_off_is_there() -> None:
    assert line("%(r)s %(U)s", replace(ANSWERED, prefix=b"/api")) == "GET /api/a?b=1 HTTP/1.1 /api/a"


def test_json() -> None:
    fields = json.loads(line("json"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields.pop("time"))
    assert fields == {
        "client": "192.0.2.1", "method": "GET", "path": "/a", "query": "b=1", "http_version": "1.1",
        "scheme": "https", "status": 200, "bytes_sent": 512, "bytes_received": 7, "duration_ms": 1234.567,
        "first_byte_ms": 500.0, "user_agent": "curl/8", "referer": "/from",
    }  # fmt: skip
    named = replace(REQUEST, request_id="r1", traceparent="00-aaaa-bbbb-01")
    fields = json.loads(line("json", replace(ANSWERED, request=named, held_s=0.8)))
    assert (fields["request_id"], fields["trace_id"], fields["blocked_loop_ms"]) == ("r1", "aaaa", 800)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("apache", "is not uvicorn, combined, json or a text"),
        ("%(zz)s", "%(zz)s is not known"),
        ("%({Date}o)s", "%({Date}o)s is not known"),
        ("%(s)d", "is no format of an access log"),
        ("%(s)s %", "is no format of an access log"),
        ("%(s)s\n", "has more than one line"),
    ],
)
def test_what_is_no_format_is_refused_with_the_options(template: str, reason: str) -> None:
    with pytest.raises(OptionError, match=re.escape(reason)):
        BY_NAME["access_log_format"].convert(template)


def test_a_percent_sign() -> None:
    assert line("100%% %(s)s") == "100% 200"
