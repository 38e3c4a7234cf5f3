"""What time is it, roughly? The kernel's coarse clocks: a few milliseconds behind, and no system call."""

from libc.stdint cimport int64_t


cdef extern from "clock.h" nogil:
    double fs_monotonic_s() noexcept
    int64_t fs_epoch_s() noexcept
