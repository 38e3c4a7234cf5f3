"""Which bytes of which file are an answer's body?

The descriptor belongs to the range, and is closed when nobody holds that any more: on whatever way an answer ends.
"""

import errno
import os
import stat

from libc.stdint cimport int64_t
from posix.unistd cimport close as close_descriptor


cdef class FileRange:
    """`size` bytes of a regular file, from `offset` on."""

    @staticmethod
    cdef FileRange of(int descriptor, int64_t offset, int64_t size):
        """The descriptor is the range's from now on."""
        cdef FileRange file = FileRange.__new__(FileRange)
        file.descriptor = descriptor
        file.offset = offset
        file.size = size
        return file

    def __cinit__(self):
        self.descriptor = -1

    def __dealloc__(self):
        self.close()

    cdef int advance(self, int64_t size) noexcept:
        """So much of it is sent."""
        self.offset += size
        self.size -= size
        return 0

    cdef int close(self) noexcept:
        if self.descriptor >= 0:
            close_descriptor(self.descriptor)
        self.descriptor = -1
        return 0


cdef FileRange open_file(object path):
    """The whole of the file of this name. Raises OSError where there is none, or none that has a size."""
    cdef FileRange file = FileRange.of(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), 0, 0)
    status = os.fstat(file.descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    file.size = status.st_size
    return file
