"""Where are the parts of this head?"""

from libc.stdint cimport uint8_t, uint32_t


cdef extern from "head.h" nogil:
    ctypedef struct fs_span:
        uint32_t off
        uint32_t len

    ctypedef struct fs_field:
        fs_span name
        fs_span value
        uint8_t id

    ctypedef struct fs_head:
        fs_span target
        uint32_t end
        uint32_t field_count
        fs_field *fields
