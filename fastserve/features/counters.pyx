"""What has been served so far, in numbers?

A request costs a few additions, and that its endpoint is timed. Whoever wants to see the numbers pays for the rest.
"""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink

# The methods of RFC 9110, 9, and RFC 5789: what else clients send must not grow a table.
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
_OTHER = "OTHER"

cdef double[BUCKETS] BOUNDS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]


cdef class Counters(Observer):
    """Counts the answers that end; the endpoint has to be timed."""

    def __init__(self):
        self.rows = {name: row for row, name in enumerate(_METHODS)}

    cdef int stream_ended(self, Request request, Sink sink) except -1:
        cdef double took_s = sink.ended_s - sink.began_s if sink.began_s > 0 else 0
        cdef int bucket = 0
        if request.method is not self.method:  # most are as the last one
            self.method = request.method
            self.row = self.rows.get(self.method, len(_METHODS))
        if 0 <= sink.status < STATUSES_MAX:
            self.requests[self.row][sink.status] += 1
        while bucket < BUCKETS and took_s > BOUNDS_S[bucket]:
            bucket += 1
        self.durations[bucket] += 1
        self.duration_s += took_s
        self.bytes_received += sink.bytes_received
        self.bytes_sent += sink.bytes_sent
        return 0

    def snapshot(self):
        """The numbers so far, in what JSON can hold, so that those of several processes can be added up.

        ``requests``: by ``"METHOD STATUS"``. ``durations``: how many fell into which bucket, by its upper bound in
        seconds; ``duration_s``: their sum. ``bytes_received`` and ``bytes_sent``: of bodies.
        """
        cdef int row, status
        found = {}
        for row, name in enumerate((*_METHODS, _OTHER)):
            for status in range(STATUSES_MAX):
                if self.requests[row][status] > 0:
                    found[f"{name} {status}"] = self.requests[row][status]
        return {
            "requests": found,
            "durations": {str(BOUNDS_S[bucket]) if bucket < BUCKETS else "+Inf": self.durations[bucket]
                          for bucket in range(BUCKETS + 1)},
            "duration_s": self.duration_s,
            "bytes_received": self.bytes_received,
            "bytes_sent": self.bytes_sent,
        }
