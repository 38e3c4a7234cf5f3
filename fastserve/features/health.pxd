"""Answers for those who ask how the server is."""

from fastserve.features.outer cimport OuterDriver
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream


cdef class HealthDriver(OuterDriver):
    cdef str live_path
    cdef str ready_path
    cdef object is_ready


cdef class HealthAnswer(Stream):
    cdef Sink sink
    cdef bint good
