"""A client's frames, put together to messages."""

from cpython.object cimport PyObject

from fastserve.csrc.utf8 cimport fs_utf8
from fastserve.csrc.wsframe cimport fs_ws_reader
from fastserve.stream.channel cimport ByteSession
from fastserve.ws.deflate cimport Deflate


cdef class MessageLimits:
    cdef Py_ssize_t message_bytes_max
    cdef Py_ssize_t fragments_max


cdef class FrameReader(ByteSession):
    cdef MessageLimits message_limits
    cdef Deflate deflate             # as negotiated, or None
    cdef bint paused                 # nobody takes messages for the moment
    cdef bint discarding             # nobody will: only control frames count
    cdef bint stopped                # no frame is read any more

    cdef fs_ws_reader reader
    cdef fs_utf8 utf8                # of the text that has begun
    cdef PyObject *body              # bytes of the message that has begun, ours alone; or NULL
    cdef Py_ssize_t body_bytes       # how many of them are filled
    cdef Py_ssize_t fragments        # of the message that has begun
    cdef char *control               # payload of a control frame that came in part; or NULL
    cdef int control_bytes           # how many of them there are

    cdef int begin_frames(self) except -1
    cdef int on_message(self, object data) except -1
    cdef int on_control(self, int opcode, const char *payload, int size) except -1
    cdef int on_fault(self, int code, str reason) except -1

    cdef int admit_frame(self) except -1
    cdef int take_payload(self, const char *at, Py_ssize_t size) except -1
    cdef int take_control(self, const char *at, Py_ssize_t size) except -1
    cdef int take_whole(self, const char *at, Py_ssize_t size) except -1
    cdef int take_part(self, const char *at, Py_ssize_t size) except -1
    cdef int reserve(self, Py_ssize_t size, Py_ssize_t expected) except -1
    cdef int end_message(self, bint is_text) except -1
    cdef int end_compressed(self, bytes compressed, bint is_text) except -1
    cdef bytes take_body(self)
    cdef int drop_body(self) except -1
