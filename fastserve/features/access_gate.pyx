"""Which requests are logged?"""

from libc.stdint cimport uint64_t

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink

cdef uint64_t random_state = 0x9E3779B97F4A7C15


cdef inline double random() noexcept:
    """From 0 up to 1; xorshift64*, for which requests are taken is no secret."""
    global random_state
    random_state ^= random_state >> 12
    random_state ^= random_state << 25
    random_state ^= random_state >> 27
    return <double>((random_state * <uint64_t>0x2545F4914F6CDD1D) >> 11) / 9007199254740992.0


cdef class AccessGate(Observer):
    """Lets through what shall be logged. What has failed (5xx) always is, unless its path is excluded.

    :param log: what writes the lines; has `flush`, `reopen` and `close`
    :param excluded: paths, or beginnings of paths that end in ``*``
    :param sample: the share of the requests that is logged, from 0 to 1
    :param slow_s: only requests that took so long, in seconds; needs the endpoint to be timed
    """

    def __init__(self, Observer log not None, excluded=(), double sample=1.0, double slow_s=0.0):
        self.log = log
        self.paths = frozenset([path for path in excluded if not path.endswith("*")])
        self.prefixes = tuple([path[:-1] for path in excluded if path.endswith("*")])
        self.sample = sample
        self.slow_s = slow_s

    cdef int stream_ended(self, Request request, Sink sink) except -1:
        if self.is_excluded(request.path):
            return 0
        if sink.status < 500:
            if self.slow_s > 0 and sink.ended_s - sink.began_s < self.slow_s:
                return 0
            if self.sample < 1 and random() >= self.sample:
                return 0
        return self.log.stream_ended(request, sink)

    cdef int session_ended(self, Request request, double began_s, uint64_t bytes_sent, uint64_t bytes_received,
                           int close_code) except -1:
        """A WebSocket that lasts is not slow: where only what is slow is logged, it is not."""
        if self.slow_s > 0 or self.is_excluded(request.path) or (self.sample < 1 and random() >= self.sample):
            return 0
        return self.log.session_ended(request, began_s, bytes_sent, bytes_received, close_code)

    cdef bint is_excluded(self, str path) except -1:
        return path in self.paths or (len(self.prefixes) > 0 and path.startswith(self.prefixes))

    def set_watch(self, watch):
        """The log's own, if it has one."""
        if hasattr(self.log, "set_watch"):
            self.log.set_watch(watch)

    def flush(self):
        """Writes the lines that wait."""
        self.log.flush()

    def reopen(self):
        """The log's own."""
        self.log.reopen()

    def close(self):
        """The log's own."""
        self.log.close()
