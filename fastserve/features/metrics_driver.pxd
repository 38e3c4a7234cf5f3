"""Answers for those who collect metrics."""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Driver, Stream


cdef class MetricsDriver(Driver):
    cdef Driver inner
    cdef str path
    cdef object page


cdef class MetricsAnswer(Stream):
    cdef Request request
    cdef Sink sink
    cdef object page
