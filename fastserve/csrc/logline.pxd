"""How is what a client sent spelled in a log?"""


cdef extern from "logline.h" nogil:
    size_t fs_log_escape(char *out, const char *text, size_t len)
