"""The way of an answer, from the driver to the protocol; and who watches it end."""

from libc.stdint cimport uint64_t

from fastserve.stream.channel cimport ByteSession
from fastserve.stream.file_range cimport FileRange
from fastserve.stream.head cimport Head
from fastserve.stream.request cimport Request


cdef class Sink:
    cdef readonly int status             # of the answer; 0 until there is one
    cdef readonly uint64_t bytes_sent    # of the answer's body
    cdef readonly uint64_t bytes_received  # of the request's body
    cdef readonly double began_s         # when the request's head was complete, on the exact clock; 0: nobody asks
    cdef readonly double first_byte_s    # when the answer's first byte went out; 0: none has, or nobody asks
    cdef readonly double ended_s         # when the answer was complete or given up, where observers are told
    # Where the time went, in seconds, once its stream has noted it
    cdef readonly double thread_wait_s   # for a thread
    cdef readonly double body_wait_s     # for the request's body
    cdef readonly double ran_s           # in the application's own code
    cdef readonly double cpu_s           # of that, on a processor
    cdef readonly double client_wait_s   # for the client to take the answer
    cdef readonly bint disconnected      # the client is gone: nothing that is sent arrives
    cdef readonly bint finished          # the answer is complete, or given up
    cdef readonly object file_error      # why a file was not sent to its end, or None

    cdef int send_head(self, int status, object headers) except -1
    cdef int send_checked_head(self, Head head) except -1
    cdef int send_data(self, object data, bint more) except -1
    cdef bint sends_files(self) noexcept
    cdef int send_file(self, FileRange file) except -1
    cdef int send_informational(self, int status, object headers) except -1
    cdef int send_error(self, int status) except -1
    cdef int send_upgrade(self, bytes protocol, object headers, ByteSession session) except -1
    cdef int abort(self) except -1
    cdef bint head_sent(self) noexcept
    cdef bint writable(self) noexcept
    cdef object wait_writable(self)
    cdef int body_wanted(self) except -1
    cdef int pause_body(self) except -1
    cdef int resume_body(self) except -1
    cdef int cork(self) except -1
    cdef int uncork(self) except -1


cdef class Observer:
    cdef int stream_ended(self, Request request, Sink sink) except -1
    cdef int session_ended(self, Request request, double began_s, uint64_t bytes_sent, uint64_t bytes_received,
                           int close_code) except -1


cdef bint stems_from_disconnect(object error, object above) except -1
