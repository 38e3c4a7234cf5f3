"""What time is it? Roughly, from the kernel's coarse clocks: a few milliseconds behind; or exactly."""

from libc.stdint cimport int64_t
from posix.types cimport clockid_t


cdef extern from "clock.h" nogil:
    double fs_monotonic_s() noexcept
    double fs_exact_s() noexcept
    int64_t fs_epoch_s() noexcept
    double fs_clock_s(clockid_t clock) noexcept
    int fs_thread_clock(clockid_t *clock) noexcept
