"""Who answers those that collect metrics? (`metrics`)

A driver before the application's, as for the server's health: the application knows nothing of it.
"""

from fastserve.features.outer cimport OuterDriver, has_path
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Driver, Stream


cdef class MetricsDriver(OuterDriver):
    """Answers for a path with a page of numbers; other requests are its inner driver's.

    :param inner: the driver of all other requests
    :param path: of the page
    :param page: called with the request's Accept field, or "", and with what takes the page and its content type,
        on the loop, then or later
    """

    def __init__(self, Driver inner not None, str path not None, page):
        OuterDriver.__init__(self, inner)
        self.path = path
        self.page = page

    cdef Stream open(self, Request request, Sink sink):
        cdef MetricsAnswer answer
        if not has_path(request, self.path) or request.method not in ("GET", "HEAD"):
            return self.inner.open(request, sink)
        answer = MetricsAnswer.__new__(MetricsAnswer)
        answer.request = request
        answer.sink = sink
        answer.page = self.page
        return answer


cdef class MetricsAnswer(Stream):
    """A request that is answered as soon as the page is there; a body is of no interest."""

    cdef int push_body(self, bytes data) except -1:
        return 0

    cdef int end_body(self) except -1:
        return 0

    cdef int start(self) except -1:
        accept = next((value for name, value in self.request.headers if name == b"accept"), b"")
        self.page(accept.decode("latin-1"), self.answer)
        return 0

    def answer(self, bytes body not None, str kind not None):
        """What takes the page."""
        cdef Sink sink = self.sink  # the answer may end the request, and this object with it
        if sink is None:
            return
        self.sink = None
        sink.send_head(200, [
            (b"content-type", kind.encode("ascii")),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ])
        sink.send_data(body, False)

    cdef int disconnect(self) except -1:
        self.sink = None
        return 0
