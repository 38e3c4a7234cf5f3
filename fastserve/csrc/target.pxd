"""What path does this target name?"""


cdef extern from "target.h" nogil:
    bint fs_path_is_plain(const char *path, size_t len)
    size_t fs_percent_decode(char *out, const char *path, size_t len)
