"""Has one step held the event loop for too long?"""

from libc.stdint cimport uint64_t


cdef extern from "hold.h" nogil:
    ctypedef enum fs_hold_kind:
        FS_HOLD_QUIET
        FS_HOLD_BEGUN
        FS_HOLD_GOES_ON
        FS_HOLD_RELEASED

    ctypedef struct fs_hold_event:
        fs_hold_kind kind
        double held_s
        double wall_s
        double cpu_s
        uint64_t moves
