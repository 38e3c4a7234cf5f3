"""What has been served so far, in numbers."""

from libc.stdint cimport uint64_t

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink


cdef enum:
    METHODS_MAX = 16     # the known ones, and one for all others
    STATUSES_MAX = 1000
    BUCKETS = 14


cdef class Counters(Observer):
    cdef dict rows                                       # of the methods, by name
    cdef str method                                      # of the last request
    cdef int row                                         # its own
    cdef uint64_t requests[METHODS_MAX][STATUSES_MAX]
    cdef uint64_t durations[BUCKETS + 1]                 # by bucket; the last one has no bound
    cdef double duration_s
    cdef uint64_t bytes_received
    cdef uint64_t bytes_sent
