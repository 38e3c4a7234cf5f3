"""How does one thread wait for another?"""

cdef class Parking:
    cdef void *lock
    cdef bint parked     # a thread waits here; the lock is then held, otherwise too

    cdef bint park(self, double timeout_s) except -1
    cdef int unpark(self) except -1
    cdef int hand_over(self) except -1
