"""Who holds the event loop, and for how long?

The loop's thread marks what it begins and ends in two or three words of memory (`mark`), a thread without Python looks
at them (csrc/watch.c), and a thread of Python's waits here for what that one finds.
"""

import os

from fastserve.csrc.clock cimport fs_exact_s
from fastserve.csrc.hold cimport FS_HOLD_BEGUN, FS_HOLD_GOES_ON, fs_hold_event
from fastserve.csrc.watch cimport (
    fs_watch_begin, fs_watch_end, fs_watch_move, fs_watcher_close, fs_watcher_heard, fs_watcher_held_s,
    fs_watcher_next, fs_watcher_start, fs_watcher_stop,
)


cdef class LoopWatch:
    """Sees from a thread of its own that the event loop does not move on.

    :param threshold_s: from this time on a hold is told of, in seconds
    """

    def __init__(self, double threshold_s):
        self.threshold_s = threshold_s

    def start(self):
        """Begins, on the loop's thread. Raises OSError if there can be no thread or no pipe."""
        cdef int failure
        if self.started:
            raise RuntimeError("a watch begins once")
        failure = fs_watcher_start(&self.watcher, &self.mark, self.threshold_s)
        if failure != 0:
            raise OSError(failure, os.strerror(failure))
        self.started = True

    def beat(self):
        """The loop moves on; on its thread, at least twice in threshold_s."""
        fs_watch_move(&self.mark)

    def begin_step(self):
        """A step of the application begins, on the loop's thread; for drivers that are not Cython."""
        fs_watch_begin(&self.mark, <void *>self)

    def end_step(self):
        """It has ended."""
        fs_watch_end(&self.mark)

    def next_event(self):
        """Waits, without the interpreter, for what happens next; None at the end. For one other thread.

        Returns "begun", "goes on" or "released"; and in seconds how long the loop has been held, without what others
        than the program are to blame for, and how long in all; how much of that its thread computed; how long who asks
        then had to wait for the interpreter's lock. Last, `moves` as it was while the loop was held.
        """
        cdef fs_hold_event event
        cdef int found
        cdef double came_s
        with nogil:
            found = fs_watcher_next(&self.watcher, &event)
            came_s = fs_exact_s()
        if not found:
            fs_watcher_close(&self.watcher)
            return None
        fs_watcher_heard(&self.watcher)
        kind = "begun" if event.kind == FS_HOLD_BEGUN else "goes on" if event.kind == FS_HOLD_GOES_ON else "released"
        return kind, event.held_s, event.wall_s, event.cpu_s, fs_exact_s() - came_s, event.moves

    @property
    def moves(self) -> int:
        """A number that is another one whenever the loop has moved on."""
        return self.mark.moves

    def step_held_s(self) -> float:
        """For how long the step that runs has held the loop, if it is long enough to be told of; else 0. On its
        thread."""
        return fs_watcher_held_s(&self.watcher)

    def stop(self):
        """Ends it; `next_event` returns None."""
        if self.started and not self.stopped:
            self.stopped = True
            with nogil:
                fs_watcher_stop(&self.watcher)
