"""Live objects, counted in a debug build (FASTSERVE_DEBUG=1) only."""

cdef struct LiveCounts:
    int connections
    int sinks
    int cycles

cdef LiveCounts live
