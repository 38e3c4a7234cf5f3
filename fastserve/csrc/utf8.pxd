"""Is this UTF-8, as far as it has come?"""

from libc.stdint cimport uint8_t


cdef extern from "utf8.h" nogil:
    ctypedef struct fs_utf8:
        uint8_t missing

    int fs_utf8_feed(fs_utf8 *state, const void *data, size_t len)
    bint fs_utf8_is_complete(const fs_utf8 *state)
