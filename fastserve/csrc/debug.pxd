"""Is this a debug build? A constant: a branch on it costs nothing in a release."""


cdef extern from "debug.h" nogil:
    const bint FS_DEBUG
