"""A number of requests, and what happens after them."""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink


cdef class RequestLimit(Observer):
    cdef object reached
    cdef readonly Py_ssize_t left
