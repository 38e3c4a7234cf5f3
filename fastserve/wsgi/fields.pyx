"""What do start_response()'s arguments mean on the wire? (PEP 3333, "The start_response() Callable")

They are judged while the application is there to hear of it, and spelled on the way: from its strings to lines without
an object in between.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.ref cimport Py_REFCNT
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memcmp, memset, strlen

from fastserve.bad_field cimport bad_field
from fastserve.csrc.answer cimport FS_ANSWER_OK, fs_answer_result, fs_put_answer_field, fs_said
from fastserve.csrc.resp cimport (
    FS_FIELD_NO_MEMORY, FS_FIELD_OK, fs_buf, fs_buf_free, fs_field_result, fs_put_reasoned_status_line,
    fs_reason_phrase,
)
from fastserve.stream.head cimport Head

cdef extern from "Python.h":
    int PyUnicode_READY(object text) except -1
    int PyUnicode_KIND(object text)
    int PyUnicode_1BYTE_KIND
    const char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

# Of one connection, not of the answer: an application has no business with them (RFC 9110, 7.6.1). Many a gateway
# copies them from the answer that it got, so they are left out rather than refused. Connection and Transfer-Encoding
# are read: the wish to close is the application's.
cdef frozenset HOP_BY_HOP = frozenset(
    ("keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "trailers",
     "upgrade"))

# Where lines are put together. It is lent while that is done: code that runs meanwhile (the application's own, another
# thread) finds none here and makes one.
cdef fs_buf scratch
cdef size_t SCRATCH_BYTES_MAX = 65536  # what is kept between heads


# Heads of what applications say again and again: of the very status and the very tuples, which nobody can change.
cdef Py_ssize_t KNOWN_SLOTS = 64
cdef Py_ssize_t KNOWN_FIELDS_MAX = 16
cdef list known_heads = [None] * KNOWN_SLOTS  # of (status, tuple of fields, Head)


cdef Head read_head(object status, object headers):
    """Raises TypeError and ValueError for what cannot be sent."""
    cdef Head head
    cdef fs_buf buf
    cdef fs_said said
    if type(headers) is not list:
        headers = list(headers)
    head = find_known(status, <list>headers)
    if head is not None:
        return head
    head = Head.__new__(Head)
    lend_scratch(&buf)
    try:
        read_status(head, &buf, status)
        buf.len = 0
        head.lines = read_fields(&buf, &said, head.status, <list>headers)
    finally:
        return_scratch(&buf)
    head.length = <int64_t>said.length if said.has_length else -1
    head.closes, head.has_date, head.has_server = said.closes, said.has_date, said.has_server
    if are_kept(<list>headers):
        known_heads[slot_of(status, <list>headers)] = (status, tuple(headers), head)
    return head


cdef inline Py_ssize_t slot_of(object status, list headers) noexcept:
    """By the addresses of the status and of the first field; there is one."""
    return ((<size_t><void *>status >> 4) ^ (<size_t><void *>PyList_GET_ITEM(headers, 0) >> 6)) % KNOWN_SLOTS


cdef Head find_known(object status, list headers):
    cdef Py_ssize_t count = PyList_GET_SIZE(headers)
    cdef Py_ssize_t i
    cdef tuple known
    cdef tuple fields
    if count == 0:
        return None
    known = <tuple>known_heads[slot_of(status, headers)]
    if known is None or known[0] is not status:
        return None
    fields = <tuple>known[1]
    if PyTuple_GET_SIZE(fields) != count:
        return None
    for i in range(count):
        if <void *>PyTuple_GET_ITEM(fields, i) != <void *>PyList_GET_ITEM(headers, i):
            return None
    return <Head>known[2]


cdef bint are_kept(list headers) except -1:
    """Whether all are tuples that the application keeps: nobody's secrets are to outlive their answer here."""
    cdef object field
    if not 0 < PyList_GET_SIZE(headers) <= KNOWN_FIELDS_MAX:
        return False
    for field in headers:
        if not PyTuple_CheckExact(field) or Py_REFCNT(field) < 3:  # its list, and `field`
            return False
    return True


cdef list read_hints(object headers):
    """The fields of a 103 as pairs of bytes. Raises as read_head."""
    cdef Head head = read_head("200 OK", headers)  # a final one, so that every field is read as an answer's
    return head.pairs()


cdef int read_status(Head head, fs_buf *buf, object status) except -1:
    """``"404 Not Found"``: the number, and the phrase where it is not the usual one (RFC 9112, 4)."""
    cdef const char *text
    cdef const char *usual
    cdef Py_ssize_t size
    cdef Py_ssize_t i
    cdef int number = 0
    cdef fs_field_result result
    text = latin_1(status, "status", &size)
    if size < 3 or (size > 3 and text[3] != b" "):
        raise wrong_status(status)
    for i in range(3):
        if not c"0" <= text[i] <= c"9":
            raise wrong_status(status)
        number = number * 10 + text[i] - c"0"
    if number < 200:
        raise ValueError(f"a final status is from 200 to 999, not {status!r}")
    head.status = number
    if size <= 4:
        return 0
    usual = fs_reason_phrase(number)
    if <size_t>size - 4 == strlen(usual) and memcmp(text + 4, usual, size - 4) == 0:
        return 0
    result = fs_put_reasoned_status_line(buf, number, text + 4, size - 4)
    if result == FS_FIELD_NO_MEMORY:
        raise MemoryError
    if result != FS_FIELD_OK:
        raise ValueError(f"a control character in the status {status!r}")
    head.reason = PyBytes_FromStringAndSize(text + 4, size - 4)
    return 0


cdef object wrong_status(object status):
    return ValueError(f"the status must be three digits, a space and a phrase, not {status!r}")


cdef bytes read_fields(fs_buf *buf, fs_said *said, int status, list headers):
    cdef fs_answer_result result
    cdef const char *name
    cdef const char *value
    cdef Py_ssize_t name_size
    cdef Py_ssize_t value_size
    memset(said, 0, sizeof(fs_said))
    for header in headers:
        if type(header) is not tuple:
            if not isinstance(header, (tuple, list)):
                raise TypeError(f"a response header must be a tuple of two strings, not {header!r}")
            header = tuple(header)
        if len(<tuple>header) != 2:
            raise TypeError(f"a response header must be a tuple of two strings, not {header!r}")
        name = latin_1((<tuple>header)[0], "response header's name", &name_size)
        value = latin_1((<tuple>header)[1], "response header's value", &value_size)
        if may_be_hop_by_hop(name_size) and (<str>(<tuple>header)[0]).lower() in HOP_BY_HOP:
            continue
        result = fs_put_answer_field(buf, said, status, name, name_size, value, value_size)
        if result != FS_ANSWER_OK:
            raise bad_field(result, header[0], header[1])
    return PyBytes_FromStringAndSize(buf.data, buf.len)


cdef inline const char *latin_1(object text, str what, Py_ssize_t *size) except NULL:
    """The characters of a str, all of which are one byte each; they live as long as it does."""
    if not isinstance(text, str):
        raise TypeError(f"a {what} must be a str, not {type(text).__name__}")
    PyUnicode_READY(text)
    if PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND:
        raise ValueError(f"a {what} must be latin-1, not {text!r}")
    size[0] = PyUnicode_GET_LENGTH(text)
    return PyUnicode_1BYTE_DATA(text)


cdef inline bint may_be_hop_by_hop(Py_ssize_t size) noexcept:
    """By the length of a name: most are none of them."""
    return size == 2 or 7 <= size <= 10 or size == 16 or 18 <= size <= 19


cdef inline void lend_scratch(fs_buf *buf) noexcept:
    buf[0] = scratch
    buf.len = 0
    memset(&scratch, 0, sizeof(fs_buf))


cdef inline void return_scratch(fs_buf *buf) noexcept:
    global scratch
    fs_buf_free(&scratch)  # of somebody who came meanwhile; otherwise there is none
    if buf.cap > SCRATCH_BYTES_MAX:
        fs_buf_free(buf)
    scratch = buf[0]
