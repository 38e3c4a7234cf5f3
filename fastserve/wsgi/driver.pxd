"""What do the requests of one WSGI application share?"""

from fastserve.stream.stream cimport Driver
from fastserve.wsgi.environ cimport EnvironMaker


cdef class WSGIDriver(Driver):
    cdef object app
    cdef object loop
    cdef object context          # every request runs in a copy of it
    cdef object limits
    cdef Py_ssize_t running      # requests whose application has begun, or waits for a thread, and has not ended
    cdef list idle_waiters
    cdef public bint timed       # sinks are told where the time goes

    cdef EnvironMaker make_environs(self)
    cdef int request_ended(self) except -1
