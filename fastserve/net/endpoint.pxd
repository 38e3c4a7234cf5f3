"""What do the connections of one server share?"""

from libc.stdint cimport int64_t, uint64_t

from fastserve.net.turn cimport Reader, Turn
from fastserve.stream.filter cimport RequestFilter
from fastserve.stream.messages cimport Upgrade
from fastserve.stream.stream cimport Driver


cdef class Peer(Reader):
    """A connection, as its endpoint sees it: one deadline, and an end."""
    cdef Endpoint endpoint
    cdef readonly object transport  # or None, once it is lost

    cdef int on_sweep(self, double now_s) except -1
    cdef int drain(self) except -1


cdef class Endpoint:
    cdef readonly object loop
    cdef readonly Driver driver
    cdef readonly list observers
    cdef readonly RequestFilter request_filter  # or None
    cdef readonly Upgrade upgrade  # or None
    cdef Turn turn
    cdef public uint64_t total_requests
    cdef readonly dict refusals  # reason -> how many requests were turned away for it
    cdef readonly uint64_t stuck_clients  # connections that were dropped for taking nothing
    cdef readonly uint64_t upgraded       # connections that have become something else, so far
    cdef readonly Py_ssize_t tunnels      # and now
    cdef readonly bint last_answers
    cdef readonly bint draining
    cdef public bint timed       # sinks note when their request began and ended
    cdef public bint times_first_byte  # and when their answer began
    cdef bint spares_newcomers  # while draining: connections that have had no request yet

    # Limits (options of these names); times in seconds, 0 for none
    cdef Py_ssize_t body_bytes_max
    cdef Py_ssize_t write_buffer_bytes_max
    cdef Py_ssize_t discard_bytes_max
    cdef int pipelined_requests_max
    cdef Py_ssize_t concurrency_max    # 0: none
    cdef double keep_alive_timeout_s
    cdef double head_timeout_s
    cdef double body_timeout_s
    cdef double body_rate_min_bytes_s
    cdef double write_timeout_s
    cdef double half_close_timeout_s
    cdef double linger_timeout_s
    cdef readonly object limits

    cdef readonly set peers
    cdef public object tally   # whose first item is to be their number, or None
    cdef dict addresses        # of our side, each one object
    cdef object sweep_timer
    cdef double sweep_interval_s
    cdef list closed_waiters

    cdef object server_line     # b"server: fastserve\r\n" or b""
    cdef object extra_lines     # of --header
    cdef bytes block            # Date, Server and the others, as they stand in every head
    cdef bytes date_line
    cdef int64_t block_epoch_s
    cdef bint with_date
    cdef object allowance       # of lines about bad requests

    cdef double choose_sweep_interval(self) except -1
    cdef int link(self, Peer peer) except -1
    cdef int unlink(self, Peer peer) except -1
    cdef object shared_address(self, object address)
    cdef bytes default_block(self)
    cdef bytes default_block_without(self, bint date, bint server)
    cdef bint is_crowded(self) except -1
    cdef int count_refusal(self, str reason) except -1
    cdef str note(self)
    cdef int bad_request(self, object client, int status, str reason, bytes excerpt) except -1
