"""What is done once in a turn of the event loop, for all connections in a row?"""

from fastserve.stream.stream cimport Driver


cdef class Reader:
    """Has bytes to work off."""
    cdef readonly bint is_reader  # joined: has bytes that wait for their turn

    cdef int work(self) except -1
    cdef int drop(self) except -1


cdef class Writer:
    """Has bytes to write."""
    cdef bint is_writer      # joined

    cdef int flush(self) except -1
    cdef int drop(self) except -1


cdef class Turn:
    cdef readonly object loop
    cdef Driver driver       # that the readers hand requests to
    cdef readonly bint writelines_pauses   # a transport's writelines tells the protocol to pause
    cdef list readers
    cdef list writers
    cdef bint scheduled
    cdef object callback     # self.run, bound once

    cdef int add_reader(self, Reader reader) except -1
    cdef int add_writer(self, Writer writer) except -1
    cdef int schedule(self) except -1
    cdef int work_all(self) except -1
    cdef int flush_all(self) except -1
