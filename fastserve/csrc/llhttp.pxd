"""llhttp: HTTP/1's grammar, as a state machine that calls back."""

from libc.stdint cimport uint8_t


cdef extern from "llhttp.h" nogil:
    ctypedef struct llhttp_t:
        uint8_t method
        uint8_t http_minor

    enum:
        HTTP_HEAD

    const char *llhttp_method_name(int method)
