"""Answers for those who ask how the server is."""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Driver, Stream


cdef class HealthDriver(Driver):
    cdef Driver inner
    cdef str live_path
    cdef str ready_path
    cdef object is_ready


cdef class HealthAnswer(Stream):
    cdef Sink sink
    cdef bint good
