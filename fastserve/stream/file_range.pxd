"""A part of an open file, on its way to a client."""

from libc.stdint cimport int64_t


cdef class FileRange:
    cdef readonly int descriptor   # ours; -1 once closed
    cdef readonly int64_t offset   # of what is left
    cdef readonly int64_t size     # of what is left

    @staticmethod
    cdef FileRange of(int descriptor, int64_t offset, int64_t size)
    cdef int advance(self, int64_t size) noexcept
    cdef int close(self) noexcept


cdef FileRange open_file(object path)
