"""Requests that took long."""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink


cdef class SlowRequests(Observer):
    cdef double threshold_s
    cdef object tell
