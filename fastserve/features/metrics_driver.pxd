"""Answers for those who collect metrics."""

from fastserve.features.outer cimport OuterDriver
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream


cdef class MetricsDriver(OuterDriver):
    cdef str path
    cdef object page


cdef class MetricsAnswer(Stream):
    cdef Request request
    cdef Sink sink
    cdef object page
