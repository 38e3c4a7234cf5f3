"""Awaitables that need no coroutine object."""

cdef object PENDING

cdef class Awaitable:
    cdef object poll(self)
    cdef object waiter(self)
    cdef object advance(self)


cdef class Ready(Awaitable):
    pass


cdef Ready READY
