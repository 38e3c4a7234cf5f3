"""Who notices that the event loop stands still?"""

from libc.stdint cimport uint64_t

from fastserve.csrc.hold cimport fs_hold_event


cdef extern from "watch.h" nogil:
    ctypedef struct fs_watch:
        uint64_t moves
        void *holder

    void fs_watch_move(fs_watch *watch) noexcept
    void fs_watch_begin(fs_watch *watch, void *holder) noexcept
    void fs_watch_end(fs_watch *watch) noexcept

    ctypedef struct fs_watcher:
        pass

    int fs_watcher_start(fs_watcher *watcher, fs_watch *watch, double threshold_s) noexcept
    int fs_watcher_next(fs_watcher *watcher, fs_hold_event *event) noexcept
    double fs_watcher_held_s(const fs_watcher *watcher) noexcept
    void fs_watcher_heard(fs_watcher *watcher) noexcept
    void fs_watcher_stop(fs_watcher *watcher) noexcept
    void fs_watcher_close(fs_watcher *watcher) noexcept
