"""Which requests are logged?"""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink


cdef class AccessGate(Observer):
    cdef Observer log
    cdef frozenset paths
    cdef tuple prefixes
    cdef double sample
    cdef double slow_s

    cdef bint is_excluded(self, str path) except -1
