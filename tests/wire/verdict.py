"""What must an outcome be?"""

from __future__ import annotations

from collections.abc import Sequence

from .client import Response
from .exchange import Outcome

SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
"""Follows a request that must be refused; no server may ever take it as one."""

P = b"POST / HTTP/1.1\r\nHost: a\r\n"
G = b"GET / HTTP/1.1\r\nHost: a\r\n"
TE = b"Transfer-Encoding: chunked\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
"""A request that ends a conversation."""


def assert_refused(outcome: Outcome, statuses: Sequence[int] = (400,), body_begun: bool = False) -> Response:
    """REFUSE: exactly one answer with one of these statuses and Connection: close, then EOF.

    The application sees nothing; if the fault lies behind the head (`body_begun`), it may have seen the
    request, but then hears `http.disconnect` and never the body's end.
    """
    response = outcome.response()
    assert response.status in statuses, f"{response.status} {response.reason!r}, expected {statuses}"
    assert_ended(outcome, response)
    if body_begun:
        assert len(outcome.seen) <= 1, f"the application saw {outcome.seen}"
        for seen in outcome.seen:
            assert not seen.complete, f"the application took this for a whole request: {seen}"
            assert seen.disconnected, f"the application did not hear http.disconnect: {seen}"
            assert seen.path != "/admin"
    else:
        assert outcome.seen == [], f"the application saw {outcome.seen}"
    assert "Traceback" not in outcome.log
    return response


def assert_ended(outcome: Outcome, last: Response) -> None:
    """The last answer announced the end, and the end was orderly."""
    assert last.closes, f"no Connection: close in {last.headers}"
    assert outcome.ending == "eof", f"the connection's end: {outcome.ending}"


def assert_served(outcome: Outcome, *methods: str) -> list[Response]:
    """Every answer is 200 or 304, as many as the application saw requests; the end was orderly."""
    responses = outcome.responses(*methods)
    assert responses, "no answer"
    assert [r.status for r in responses] == [200] * len(responses), f"{outcome.raw!r}"
    assert len(responses) == len(outcome.seen), (
        f"{len(responses)} answers, the application saw {outcome.seen}"
    )
    for seen in outcome.seen:
        assert seen.complete and seen.finished and not seen.context_leaked, seen
    assert outcome.ending == "eof", f"the connection's end: {outcome.ending}"
    assert "Traceback" not in outcome.log
    return responses


def assert_answers(outcome: Outcome, *statuses: int) -> list[Response]:
    """The final answers to a sequence of GET requests have these statuses."""
    responses = [response for response in outcome.responses() if response.status >= 200]
    assert [response.status for response in responses] == list(statuses), f"{outcome.raw!r}"
    assert "Traceback" not in outcome.log
    return responses
