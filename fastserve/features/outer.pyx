"""Who takes a few requests before the application's driver does?

A driver that leaves all others to another one, and knows of no requests but those.
"""

from fastserve.stream.stream cimport Driver


cdef class OuterDriver(Driver):
    """What such drivers have in common; each has an `open` of its own.

    :param inner: the driver of all other requests
    """

    def __init__(self, Driver inner not None):
        self.inner = inner

    cpdef int in_flight(self) except -1:
        return self.inner.in_flight()

    cpdef int cancel_all(self) except -1:
        return self.inner.cancel_all()

    cdef object when_idle(self):
        return self.inner.when_idle()

    cdef int begin_turn(self) except -1:
        return self.inner.begin_turn()

    cdef int end_turn(self) except -1:
        return self.inner.end_turn()

    cpdef int close(self) except -1:
        return self.inner.close()
