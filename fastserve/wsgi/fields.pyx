"""What do start_response()'s arguments mean on the wire? (PEP 3333, "The start_response() Callable")

They are judged while the application is there to hear of it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsLatin1String
from libc.stdint cimport int64_t, uint64_t

from fastserve.csrc.names cimport FS_NAME_CONTENT_LENGTH, fs_name_find
from fastserve.csrc.resp cimport (
    FS_FIELD_BAD_NAME, FS_FIELD_NO_MEMORY, FS_FIELD_OK, fs_buf, fs_field_result, fs_put_field, fs_read_decimal,
)

# Of one connection, not of the answer: an application has no business with them (RFC 9110, 7.6.1). Many a gateway
# copies them from the answer that it got, so they are left out rather than refused. Connection and Transfer-Encoding
# are the sink's to read: it takes the wish to close.
cdef frozenset HOP_BY_HOP = frozenset(
    (b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"trailers",
     b"upgrade"))

# Where fields are tried out. Nothing else runs between its emptying and its use.
cdef fs_buf tried


cdef int read_status(object status) except -1:
    """``"404 Not Found"`` as a number. The reason phrase is the server's own (RFC 9112, 4: clients ignore it)."""
    cdef int number = 0
    cdef Py_ssize_t i
    cdef Py_UCS4 digit
    if not isinstance(status, str):
        raise TypeError(f"the status must be a str, not {type(status).__name__}")
    if len(<str>status) < 3 or (len(<str>status) > 3 and (<str>status)[3] != u" "):
        raise wrong_status(status)
    for i in range(3):
        digit = (<str>status)[i]
        if not 48 <= <int>digit <= 57:  # of ASCII only
            raise wrong_status(status)
        number = number * 10 + <int>digit - 48
    if number < 200:
        raise ValueError(f"a final status is from 200 to 999, not {status!r}")
    return number


cdef object wrong_status(object status):
    return ValueError(f"the status must be three digits, a space and a phrase, not {status!r}")


cdef bytes encode(object text, str what):
    if not isinstance(text, str):
        raise TypeError(f"a response header's {what} must be a str, not {type(text).__name__}")
    try:
        return PyUnicode_AsLatin1String(text)
    except UnicodeEncodeError:
        raise ValueError(f"a response header's {what} must be latin-1, not {text!r}") from None


cdef list read_headers(object headers, int64_t *length):
    """The fields as pairs of bytes. `length` becomes what Content-Length says, or stays as it is.

    Raises TypeError and ValueError for what cannot be sent.
    """
    cdef list fields = []
    cdef bytes name
    cdef bytes value
    cdef fs_field_result result
    cdef uint64_t number = 0
    for header in headers:
        if type(header) is not tuple:
            if not isinstance(header, (tuple, list)):
                raise TypeError(f"a response header must be a tuple of two strings, not {header!r}")
            header = tuple(header)
        if len(<tuple>header) != 2:
            raise TypeError(f"a response header must be a tuple of two strings, not {header!r}")
        name = encode((<tuple>header)[0], "name")
        value = encode((<tuple>header)[1], "value")
        tried.len = 0
        result = fs_put_field(&tried, PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name),
                              PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        if result == FS_FIELD_NO_MEMORY:
            raise MemoryError
        if result != FS_FIELD_OK:
            what = "name" if result == FS_FIELD_BAD_NAME else "value"
            raise ValueError(f"invalid {what} of a response header: {header[0]!r}: {header[1]!r}")
        if fs_name_find(PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)) == FS_NAME_CONTENT_LENGTH:
            value = value.strip()
            if fs_read_decimal(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), &number) != 0:
                raise ValueError(f"invalid Content-Length in the response: {value!r}")
            length[0] = <int64_t>number
        elif may_be_hop_by_hop(PyBytes_GET_SIZE(name)) and name.lower() in HOP_BY_HOP:
            continue
        fields.append((name, value))
    return fields


cdef inline bint may_be_hop_by_hop(Py_ssize_t size) noexcept:
    """By the length of a name: most are none of them."""
    return size == 2 or 7 <= size <= 10 or size == 16 or 18 <= size <= 19
