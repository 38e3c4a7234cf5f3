"""The access log by way of Python's logging."""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink


cdef class AccessRecords(Observer):
    cdef object log
    cdef str prefix

    cdef str escaped(self, bytes text)
