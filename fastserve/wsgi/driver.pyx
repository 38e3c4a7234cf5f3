"""What do the requests of one WSGI application share?

Two drivers are made of this one: threaded.pyx hands requests to threads, inline.pyx serves them in the loop's own.
"""

from fastserve.stream.stream cimport Driver
from fastserve.wsgi.environ cimport EnvironMaker


cdef class WSGIDriver(Driver):
    """Runs a WSGI application.

    :param app: the application
    :param loop: the running event loop
    :param context: a contextvars.Context; every request runs in a copy of it
    :param limits: an object with the attributes ``wsgi_...`` of the option group "wsgi", ``root_path``,
        ``root_path_stripped``, ``read_buffer_bytes_max`` and ``write_buffer_bytes_max``
    """

    def __init__(self, app, loop, context, limits):
        self.app = app
        self.loop = loop
        self.context = context
        self.limits = limits
        self.idle_waiters = []

    cdef EnvironMaker make_environs(self):
        """One for each thread that runs the application."""
        limits = self.limits
        return EnvironMaker(limits.root_path, limits.root_path_stripped, limits.wsgi_threads > 1,
                            getattr(limits, "processes", 1) > 1)

    cpdef int in_flight(self) except -1:
        return self.running

    cdef int request_ended(self) except -1:
        self.running -= 1
        if self.idle_waiters and self.running == 0:
            waiters, self.idle_waiters = self.idle_waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
        return 0

    cdef object when_idle(self):
        waiter = self.loop.create_future()
        if self.running > 0:
            self.idle_waiters.append(waiter)
        else:
            waiter.set_result(None)
        return waiter
