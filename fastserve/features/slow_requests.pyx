"""Which requests took long, and where did their time go?"""

from fastserve.csrc.clock cimport fs_exact_s
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink


cdef class SlowRequests(Observer):
    """Calls `tell` for each request that took `threshold_s` or longer; the endpoint has to be timed.

    :param tell: called with the request, the answer's status, and seconds: in all, in the application's own steps,
        waiting for the request's body, waiting for the client; the last three are 0 where the driver does not note them
    """

    def __init__(self, double threshold_s, tell):
        self.threshold_s = threshold_s
        self.tell = tell

    cdef int stream_ended(self, Request request, Sink sink) except -1:
        cdef double now_s, ran_s
        if sink.began_s <= 0:
            return 0
        now_s = fs_exact_s()
        if now_s - sink.began_s < self.threshold_s:
            return 0
        ran_s = sink.ran_s + (now_s - sink.step_began_s if sink.step_began_s > 0 else 0)
        self.tell(request, sink.status, now_s - sink.began_s, ran_s, sink.body_wait_s, sink.client_wait_s)
        return 0
