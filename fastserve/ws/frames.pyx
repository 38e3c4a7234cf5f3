"""How do a client's bytes become messages? (RFC 6455, 5 and 6.2)

csrc/wsframe finds the frames. A FrameReader collects their payloads within the limits: a message that would be too long
is refused when a frame's head announces it, before memory is taken for it. Most messages come whole in one read: those
go straight from the read into the object that the application gets, and a text that is ASCII is decoded by that.
"""

import zlib

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from fastserve.csrc.utf8 cimport fs_utf8_feed, fs_utf8_is_complete
from fastserve.csrc.wsframe cimport (
    FS_WS_CONTROL_BYTES_MAX, FS_WS_ERROR, FS_WS_MORE, FS_WS_TEXT, fs_ws_event, fs_ws_is_data, fs_ws_read_head,
    fs_ws_reader_init, fs_ws_take,
)
from fastserve.stream.channel cimport ByteSession

from fastserve.ws.deflate import TooLong

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject **bytes, Py_ssize_t size) except -1
    PyObject *new_bytes "PyBytes_FromStringAndSize" (const char *text, Py_ssize_t size) except NULL
    char *bytes_start "PyBytes_AS_STRING" (PyObject *bytes) noexcept
    Py_ssize_t bytes_size "PyBytes_GET_SIZE" (PyObject *bytes) noexcept
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 highest)
    void *PyUnicode_DATA(object text) noexcept

# The first memory for a message whose end is not there yet; it doubles from there on, as bytes arrive.
cdef Py_ssize_t BODY_BYTES_FIRST = 16384

# RFC 6455, 7.4.1
cdef int PROTOCOL_ERROR = 1002
cdef int INVALID_DATA = 1007
cdef int POLICY_VIOLATION = 1008
cdef int TOO_BIG = 1009


cdef class MessageLimits:
    """How large a message may be.

    :param message_bytes_max: of its payload, compressed as well as decompressed
    :param fragments_max: the frames that it may be cut into
    """

    def __init__(self, Py_ssize_t message_bytes_max, Py_ssize_t fragments_max):
        self.message_bytes_max = message_bytes_max
        self.fragments_max = fragments_max


cdef class FrameReader(ByteSession):
    """The way in. What it finds is for a subclass, which overrides the three methods that begin with ``on_``."""

    def __dealloc__(self):
        Py_XDECREF(self.body)
        PyMem_Free(self.control)

    cdef int begin_frames(self) except -1:
        fs_ws_reader_init(&self.reader, self.deflate is not None)
        return 0

    cdef int on_message(self, object data) except -1:
        """A whole message, str or bytes."""
        raise NotImplementedError

    cdef int on_control(self, int opcode, const char *payload, int size) except -1:
        """A control frame."""
        raise NotImplementedError

    cdef int on_fault(self, int code, str reason) except -1:
        """The client has broken the protocol or a limit: there will be no more frames."""
        raise NotImplementedError

    cdef Py_ssize_t push_bytes(self, bytes data, Py_ssize_t at) except -1:
        cdef const char *start = PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef Py_ssize_t part
        cdef size_t used = 0
        cdef fs_ws_event event
        while at < size and not self.stopped:
            if self.paused:
                return at
            if not self.reader.in_frame:
                event = fs_ws_read_head(&self.reader, start + at, size - at, &used)
                at += used
                if event == FS_WS_MORE:
                    break
                if event == FS_WS_ERROR:
                    self.on_fault(PROTOCOL_ERROR, self.reader.error.decode("ascii"))
                    break
                if not self.admit_frame():
                    break
            part = size - at
            if <uint64_t>part > self.reader.left:
                part = self.reader.left
            self.take_payload(start + at, part)
            at += part
        return size

    cdef int admit_frame(self) except -1:
        """Whether the frame whose head was read may come: it is within the limits of its message."""
        cdef uint64_t room
        if not fs_ws_is_data(&self.reader):
            return True
        if self.discarding:
            return True
        if self.reader.opcode != 0:
            self.fragments = 0
            memset(&self.utf8, 0, sizeof(self.utf8))
        self.fragments += 1
        room = self.message_limits.message_bytes_max - self.body_bytes
        if self.reader.left > room:
            self.on_fault(TOO_BIG, "message too big")
            return False
        if self.fragments > self.message_limits.fragments_max:
            self.on_fault(POLICY_VIOLATION, "message in too many fragments")
            return False
        return True

    # ---- payloads ----

    cdef int take_payload(self, const char *at, Py_ssize_t size) except -1:
        cdef fs_ws_reader *reader = &self.reader
        if not fs_ws_is_data(reader):
            return self.take_control(at, size)
        if self.discarding:
            fs_ws_take(reader, NULL, at, size)
            return 0
        if reader.opcode != 0 and reader.fin and <uint64_t>size == reader.left and self.body == NULL:
            return self.take_whole(at, size)
        return self.take_part(at, size)

    cdef int take_control(self, const char *at, Py_ssize_t size) except -1:
        """A part of a control frame, all of it mostly: only one that was cut takes memory, until it is whole."""
        cdef fs_ws_reader *reader = &self.reader
        cdef char payload[FS_WS_CONTROL_BYTES_MAX]
        cdef int total = self.control_bytes + <int>size
        if self.control_bytes == 0 and <uint64_t>size == reader.left:
            fs_ws_take(reader, payload, at, size)
            return self.on_control(reader.opcode, payload, total)
        if self.control == NULL:
            self.control = <char *>PyMem_Malloc(FS_WS_CONTROL_BYTES_MAX)
            if self.control == NULL:
                raise MemoryError
        fs_ws_take(reader, self.control + self.control_bytes, at, size)
        self.control_bytes = total
        if reader.in_frame:
            return 0
        memcpy(payload, self.control, total)
        PyMem_Free(self.control)
        self.control = NULL
        self.control_bytes = 0
        return self.on_control(reader.opcode, payload, total)

    cdef int take_whole(self, const char *at, Py_ssize_t size) except -1:
        """A message in one frame, all of it at hand."""
        cdef bint is_text = self.reader.opcode == FS_WS_TEXT
        cdef bint compressed = self.reader.compressed
        cdef object message
        cdef bytes payload
        if is_text and not compressed:
            # The object is made for ASCII, and unmasked into. If it is none, that was for nothing.
            message = PyUnicode_New(size, 127)
            if size == 0 or fs_ws_take(&self.reader, <char *>PyUnicode_DATA(message), at, size):
                if size == 0:
                    fs_ws_take(&self.reader, NULL, at, 0)
                return self.on_message(message)
            try:
                message = PyUnicode_DecodeUTF8(<char *>PyUnicode_DATA(message), size, NULL)
            except UnicodeDecodeError:
                return self.on_fault(INVALID_DATA, "text is not UTF-8")
            return self.on_message(message)
        payload = PyBytes_FromStringAndSize(NULL, size)
        fs_ws_take(&self.reader, PyBytes_AS_STRING(payload), at, size)
        if compressed:
            return self.end_compressed(payload, is_text)
        return self.on_message(payload)

    cdef int take_part(self, const char *at, Py_ssize_t size) except -1:
        """A part of a message that came in several reads or frames."""
        cdef char *body
        cdef bint is_text = self.reader.message == FS_WS_TEXT
        self.reserve(size, self.reader.left)
        body = bytes_start(self.body) + self.body_bytes
        fs_ws_take(&self.reader, body, at, size)
        self.body_bytes += size
        if is_text and not self.reader.compressed and fs_utf8_feed(&self.utf8, body, size) != 0:
            return self.on_fault(INVALID_DATA, "text is not UTF-8")
        if not self.reader.in_frame and self.reader.fin:
            return self.end_message(is_text)
        return 0

    cdef int reserve(self, Py_ssize_t size, Py_ssize_t expected) except -1:
        """Memory for `size` more bytes; for all that are expected at once, if that is not far beyond what is there."""
        cdef Py_ssize_t needed = self.body_bytes + size
        cdef Py_ssize_t room = 0 if self.body == NULL else bytes_size(self.body)
        if needed <= room and self.body != NULL:
            return 0
        room = max(2 * needed, BODY_BYTES_FIRST)
        if self.reader.fin:
            room = min(room, self.body_bytes + expected)
        if self.body == NULL:
            self.body = new_bytes(NULL, max(room, needed))
        else:
            _PyBytes_Resize(&self.body, max(room, needed))
        return 0

    # ---- messages ----

    cdef bytes take_body(self):
        """The bytes collected; from here on they are the caller's."""
        cdef PyObject *body = self.body
        cdef Py_ssize_t size = self.body_bytes
        cdef bytes taken
        self.body = NULL
        self.body_bytes = 0
        if bytes_size(body) != size:
            _PyBytes_Resize(&body, size)
        taken = <bytes>body
        Py_XDECREF(body)
        return taken

    cdef int drop_body(self) except -1:
        cdef PyObject *body = self.body
        self.body = NULL
        self.body_bytes = 0
        Py_XDECREF(body)
        return 0

    cdef int end_message(self, bint is_text) except -1:
        cdef bytes payload = self.take_body()
        if self.reader.compressed:
            return self.end_compressed(payload, is_text)
        if not is_text:
            return self.on_message(payload)
        if not fs_utf8_is_complete(&self.utf8):
            return self.on_fault(INVALID_DATA, "text ends within a character")
        return self.on_message(PyUnicode_DecodeUTF8(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), NULL))

    cdef int end_compressed(self, bytes compressed, bint is_text) except -1:
        cdef object message
        try:
            message = self.deflate.decompress(compressed, self.message_limits.message_bytes_max)
            if is_text:
                message = message.decode("utf-8")
        except TooLong:
            return self.on_fault(TOO_BIG, "message too big")
        except zlib.error:
            return self.on_fault(PROTOCOL_ERROR, "message cannot be decompressed")
        except UnicodeDecodeError:
            return self.on_fault(INVALID_DATA, "text is not UTF-8")
        return self.on_message(message)
