"""Which requests took long, and where did their time go?"""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink


cdef class SlowRequests(Observer):
    """Calls `tell` for each request that took `threshold_s` or longer; endpoint and driver have to be timed.

    :param tell: called with the request, the answer's status, and seconds: in all, waiting for a thread, waiting for
        the request's body, in the application's own code, of that on a processor, waiting for the client
    """

    def __init__(self, double threshold_s, tell):
        self.threshold_s = threshold_s
        self.tell = tell

    cdef int stream_ended(self, Request request, Sink sink) except -1:
        cdef double took_s
        if sink.began_s <= 0:
            return 0
        took_s = sink.ended_s - sink.began_s
        if took_s >= self.threshold_s:
            self.tell(request, sink.status, took_s, sink.thread_wait_s, sink.body_wait_s, sink.ran_s, sink.cpu_s,
                      sink.client_wait_s)
        return 0
