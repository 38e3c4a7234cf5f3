"""Live objects, counted in a debug build (FASTSERVE_DEBUG=1) only."""

cdef extern from "debug.h" nogil:
    const bint FS_DEBUG

cdef struct LiveCounts:
    int connections
    int sinks
    int cycles
    int recorders

cdef LiveCounts live
