"""Which field name is this?"""

from libc.stdint cimport uint8_t


cdef extern from "names.h" nogil:
    ctypedef struct fs_name:
        const char *text
        size_t len

    const fs_name fs_names[]
    const uint8_t fs_lower[256]
    int FS_NAME_COUNT
    int FS_NAME_HOST
    int FS_NAME_CONNECTION
    int FS_NAME_CONTENT_LENGTH
    int FS_NAME_TRANSFER_ENCODING
    int FS_NAME_DATE
    int FS_NAME_SERVER
    int fs_name_find(const char *name, size_t len)
