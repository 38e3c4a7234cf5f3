"""How much of a message is read, and what is said to the rest?"""

from libc.stdint cimport uint16_t, uint32_t


cdef extern from "bounds.h" nogil:
    ctypedef struct fs_limits:
        uint32_t request_line_bytes_max
        uint32_t header_bytes_max
        uint32_t header_count_max
        uint32_t chunk_extension_bytes_max

    ctypedef struct fs_refusal:
        uint16_t status
        const char *reason
