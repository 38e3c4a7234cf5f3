"""Who holds the event loop, and for how long?"""

from fastserve.csrc.watch cimport fs_watch, fs_watcher


cdef class LoopWatch:
    cdef fs_watch mark       # whoever steps the application writes here: fs_watch_begin, fs_watch_end
    cdef fs_watcher watcher
    cdef bint started
    cdef bint stopped
    cdef readonly double threshold_s
