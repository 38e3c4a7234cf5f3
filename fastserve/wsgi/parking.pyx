"""How does one thread wait for another, at the price of a lock and no more?

A thread looks at a condition and parks if it does not hold; whoever makes it hold unparks it. The global interpreter
lock makes the two ends safe: nothing else runs between the look and the beginning of park(). So there is no condition
variable, no queue and no Python object for a wait.
"""

cdef extern from "Python.h":
    ctypedef enum PyLockStatus:
        PY_LOCK_ACQUIRED
    void *PyThread_allocate_lock() noexcept
    void PyThread_free_lock(void *lock) noexcept
    PyLockStatus PyThread_acquire_lock_timed(void *lock, long long timeout_us, int intr_flag) noexcept nogil
    void PyThread_release_lock(void *lock) noexcept nogil


cdef class Parking:
    """A place where one thread waits. Its lock is held except from an unpark() to the end of the park() it ends."""

    def __cinit__(self):
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError
        PyThread_acquire_lock_timed(self.lock, -1, 0)

    def __dealloc__(self):
        if self.lock != NULL:
            PyThread_release_lock(self.lock)
            PyThread_free_lock(self.lock)

    cdef bint park(self, double timeout_s) except -1:
        """Wait until unpark(), `timeout_s` at most (0: without end). Whether it came."""
        cdef long long timeout_us = <long long>(timeout_s * 1e6) if timeout_s > 0 else -1
        cdef PyLockStatus status
        if self.parked:
            raise RuntimeError("another thread waits here")
        self.parked = True
        with nogil:
            status = PyThread_acquire_lock_timed(self.lock, timeout_us, 0)
        if status == PY_LOCK_ACQUIRED:
            return True
        if self.parked:
            self.parked = False
            return False
        PyThread_acquire_lock_timed(self.lock, -1, 0)  # unparked between the time-out and now
        return True

    cdef int unpark(self) except -1:
        """End the wait of whoever is parked here."""
        if self.parked:
            self.parked = False
            PyThread_release_lock(self.lock)
        return 0

    cdef int hand_over(self) except -1:
        """The same, for who can do without the interpreter now: where the kernel has the other thread run at once, on
        this core, that finds it free, and need not fall asleep again until it is."""
        if self.parked:
            self.parked = False
            with nogil:
                PyThread_release_lock(self.lock)
        return 0
