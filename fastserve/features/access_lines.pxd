"""The access log in any other format than uvicorn's."""

from fastserve.features.access_log cimport AccessLog
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink


cdef class AccessLines(AccessLog):
    cdef object format
    cdef object watch    # LoopWatch, or None

    cdef int put(self, object answered) except -1
