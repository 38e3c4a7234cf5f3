"""What is a request called, in every log that it leaves a line in?

A proxy that is trusted has named it (``X-Request-ID``), or has begun a trace that it belongs to
(``traceparent``, W3C Trace Context); otherwise it gets a random name. Nobody else's word is taken: whoever
may choose a name can hide among the lines of others.
"""

from __future__ import annotations

import os
import re

from fastserve.features.trust import TrustedPeers
from fastserve.reference.seam import Address, Request, RequestFilter

__all__ = ["RequestIds"]

_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_HEX_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
#: Trace-id, parent-id and flags (W3C Trace Context, 3.2.2); no identifier is all zeros.
_IDS = rb"(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
#: Behind the version; those of a later one than 00 may go on.
_TRACEPARENT = re.compile(rb"00-" + _IDS + rb"|(?!ff|00)[0-9a-f]{2}-" + _IDS + rb"(-[!-~]{0,128})?")


class RequestIds(RequestFilter):
    """Gives each request an identifier, which trusted peers may have chosen; `inner` goes on with it.

    `is_believed` says whether this one is for a connection of such a peer.
    """

    def __init__(
        self, trusted: TrustedPeers, inner: RequestFilter | None = None, is_believed: bool = False
    ) -> None:
        self._trusted = trusted
        self._inner = inner
        self._is_believed = is_believed

    def for_connection(self, client: tuple[str, int] | None, server: Address | None) -> RequestFilter:
        inner = self._inner.for_connection(client, server) if self._inner is not None else None
        return RequestIds(self._trusted, inner, self._trusted.trusts(client, server))

    def apply(self, request: Request) -> None:
        given, trace = self._word_of_peer(request) if self._is_believed else (None, None)
        if given is None:
            given = trace[3:35] if trace is not None else os.urandom(16).hex()
        if trace is None:
            trace_id = given if _HEX_ID.fullmatch(given) else os.urandom(16).hex()
            trace = f"00-{trace_id}-{os.urandom(8).hex()}-00"
        request.request_id, request.traceparent = given, trace
        if self._inner is not None:
            self._inner.apply(request)

    def _word_of_peer(self, request: Request) -> tuple[str | None, str | None]:
        """Its X-Request-ID and traceparent, as far as they are some; of several, the first."""
        given = _first(request, b"x-request-id", _ID)
        return given, _first(request, b"traceparent", _TRACEPARENT)


def _first(request: Request, name: bytes, form: re.Pattern[bytes]) -> str | None:
    values = (value for field, value in request.headers if field == name and form.fullmatch(value))
    found = next(values, None)
    return found.decode("ascii") if found is not None else None
