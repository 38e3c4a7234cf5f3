"""How much of this does the kernel take at once?"""


cdef extern from "socket.h" nogil:
    size_t fs_send(int fd, const char *data, size_t size) noexcept
