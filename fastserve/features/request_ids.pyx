"""What is a request called, in every log that it leaves a line in?

A proxy that is trusted has named it (``X-Request-ID``), or has begun a trace that it belongs to (``traceparent``, W3C
Trace Context); otherwise it gets a random name. Nobody else's word is taken: whoever may choose a name can hide among
the lines of others.
"""

import os
import re

from fastserve.stream.filter cimport RequestFilter
from fastserve.stream.request cimport Request

_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
# W3C Trace Context, 3.2: version, trace-id, parent-id, flags, no all-zero identifiers; a later version may go on.
_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}((?:-[!-~]{0,128})?)")


cdef class RequestIds(RequestFilter):
    """Gives each request an identifier, which trusted peers may have chosen.

    :param trusted: whose ``X-Request-ID`` and ``traceparent`` count
    :param inner: the filter that goes first, or None
    """

    def __init__(self, trusted, RequestFilter inner=None):
        self.trusted = trusted
        self.inner = inner

    cdef RequestFilter for_connection(self, object client, object server):
        cdef RequestIds ids = RequestIds(
            self.trusted, None if self.inner is None else self.inner.for_connection(client, server))
        ids.believes = self.trusted.trusts(client, server)
        return ids

    cdef int apply(self, Request request) except -1:
        if self.believes:
            self.name(request)
        if request.request_id is None:
            request.request_id = os.urandom(16).hex()
        if request.traceparent is None:
            named = len(request.request_id) == 32 and is_hex(request.request_id)
            trace = request.request_id if named else os.urandom(16).hex()
            request.traceparent = f"00-{trace}-{os.urandom(8).hex()}-00"
        if self.inner is not None:
            self.inner.apply(request)
        return 0

    cdef int name(self, Request request) except -1:
        """Take the peer's word. Of several fields of one name the first counts."""
        cdef bytes name, value
        for name, value in request.headers:
            if name == b"x-request-id" and request.request_id is None and _ID.fullmatch(value):
                request.request_id = value.decode("ascii")
            elif name == b"traceparent" and request.traceparent is None and is_traceparent(value):
                request.traceparent = value.decode("ascii")
        if request.request_id is None and request.traceparent is not None:
            request.request_id = request.traceparent[3:35]
        return 0


cdef bint is_traceparent(bytes value) except -1:
    found = _TRACEPARENT.fullmatch(value)
    return found is not None and (found[1] != b"00" or not found[2])


cdef bint is_hex(str text) except -1:
    return all([c in "0123456789abcdef" for c in text]) and text.strip("0") != ""
