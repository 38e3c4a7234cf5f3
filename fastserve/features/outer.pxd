"""A driver before another one."""

from fastserve.stream.stream cimport Driver


cdef class OuterDriver(Driver):
    cdef Driver inner
