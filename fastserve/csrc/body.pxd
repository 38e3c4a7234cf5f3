"""Which of these bytes are the body, and how much framing stands between them?"""


cdef extern from "body.h" nogil:
    ctypedef struct fs_body:
        const char *data
        size_t len
        size_t dropped
