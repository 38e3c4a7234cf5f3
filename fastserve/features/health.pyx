"""How is the server? (`health_path`: for load balancers, orchestrators, people)

A driver before the application's: two paths are answered here, by the event loop that serves all others. So an answer
tells that it turns; a server whose loop is blocked does not answer at all.
"""

from fastserve.features.outer cimport OuterDriver, has_path
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Driver, Stream


cdef class HealthDriver(OuterDriver):
    """Answers for a path whether the server lives, and for another whether it is ready for requests.

    :param inner: the driver of all other requests
    :param live_path: answered by 200
    :param ready_path: answered by 200 or 503; None if there is none
    :param is_ready: a callable without arguments
    """

    def __init__(self, Driver inner not None, str live_path not None, str ready_path, is_ready):
        OuterDriver.__init__(self, inner)
        self.live_path = live_path
        self.ready_path = ready_path
        self.is_ready = is_ready

    cdef Stream open(self, Request request, Sink sink):
        cdef HealthAnswer answer
        cdef bint is_ready_path = has_path(request, self.ready_path)
        if not (is_ready_path or has_path(request, self.live_path)) or request.method not in ("GET", "HEAD"):
            return self.inner.open(request, sink)
        answer = HealthAnswer.__new__(HealthAnswer)
        answer.sink = sink
        answer.good = not is_ready_path or self.is_ready()
        return answer


cdef class HealthAnswer(Stream):
    """A request that is answered as soon as it is here; a body is of no interest."""

    cdef int push_body(self, bytes data) except -1:
        return 0

    cdef int end_body(self) except -1:
        return 0

    cdef int start(self) except -1:
        cdef Sink sink = self.sink  # the answer may end the request, and this object with it
        cdef bytes body = b"ok\n" if self.good else b"not ready\n"
        sink.send_head(200 if self.good else 503, [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ])
        sink.send_data(body, False)
        return 0

    cdef int disconnect(self) except -1:
        return 0
