"""A driver before another one."""

from fastserve.stream.request cimport Request
from fastserve.stream.stream cimport Driver


cdef class OuterDriver(Driver):
    cdef Driver inner


cdef inline bint has_path(Request request, str path):
    """Whether the request is for this path, or None. Most are told by the length."""
    return path is not None and len(request.path) == len(path) and request.path == path
