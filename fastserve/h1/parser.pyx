"""How does a recorded head become a Request?

Every name that csrc/names knows is one bytes object for the life of the process; methods likewise. What is left to
allocate are the values, and a path unless it is the same as its raw form needs.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeUTF8
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc

from fastserve.csrc.head cimport fs_field, fs_parser, fs_span
from fastserve.csrc.llhttp cimport llhttp_method_name
from fastserve.csrc.names cimport FS_NAME_COUNT, FS_NAME_HOST, fs_lower, fs_names
from fastserve.csrc.rules cimport fs_verdict
from fastserve.csrc.target cimport fs_path_is_plain, fs_percent_decode
from fastserve.stream.request cimport Request

cdef int METHODS = 47  # HTTP's and RTSP's in llhttp's numbering; llhttp refuses the latter over HTTP

cdef list NAMES = [fs_names[i].text[:fs_names[i].len] for i in range(FS_NAME_COUNT)]
cdef list METHOD_NAMES = [llhttp_method_name(i).decode("ascii") for i in range(METHODS)]
cdef str HTTP_1_0 = "1.0"
cdef str HTTP_1_1 = "1.1"
cdef str ROOT_PATH = "/"
cdef bytes ROOT_RAW_PATH = b"/"
cdef bytes NOTHING = b""


cdef inline bytes bytes_of(const char *base, fs_span span):
    if span.len == 0:
        return NOTHING
    return PyBytes_FromStringAndSize(base + span.off, span.len)


cdef bytes lower_name(const char *name, uint32_t size):
    cdef bytes lowered = PyBytes_FromStringAndSize(NULL, size)
    cdef char *out = PyBytes_AS_STRING(lowered)
    cdef uint32_t i
    for i in range(size):
        out[i] = <char>fs_lower[<unsigned char>name[i]]
    return lowered


cdef str decode_path(const char *path, uint32_t size):
    cdef char *decoded
    cdef size_t length
    if fs_path_is_plain(path, size):
        return PyUnicode_DecodeASCII(path, size, NULL)
    decoded = <char *>malloc(size)
    if decoded == NULL:
        raise MemoryError
    try:
        length = fs_percent_decode(decoded, path, size)
        return PyUnicode_DecodeUTF8(decoded, length, "replace")
    finally:
        free(decoded)


cdef list build_headers(fs_parser *parser, fs_verdict *verdict):
    cdef const char *base = parser.base
    cdef uint32_t count = parser.head.field_count
    cdef uint32_t i
    cdef fs_field *field
    cdef bytes name
    cdef bytes value
    cdef tuple pair
    cdef list headers = PyList_New(count)
    for i in range(count):
        field = &parser.head.fields[i]
        if field.id != 0:
            name = <bytes>NAMES[field.id]
        else:
            name = lower_name(base + field.name.off, field.name.len)
        if field.id == FS_NAME_HOST and verdict.authority.len > 0:
            value = bytes_of(base, verdict.authority)  # RFC 9112, 3.2.2: the target's authority replaces Host
        else:
            value = bytes_of(base, field.value)
        pair = (name, value)
        Py_INCREF(pair)
        PyList_SET_ITEM(headers, i, pair)
    return headers


cdef Request build_request(fs_parser *parser, fs_verdict *verdict):
    """Scheme and addresses are the connection's to fill in."""
    cdef Request request = Request.__new__(Request)
    cdef const char *base = parser.base
    request.method = <str>METHOD_NAMES[parser.http.method]
    request.http_version = HTTP_1_1 if parser.http.http_minor == 1 else HTTP_1_0
    if verdict.path.len <= 1 and (verdict.path.len == 0 or base[verdict.path.off] == b"/"):
        request.path = ROOT_PATH  # an absolute form without a path names the root (RFC 9110, 4.2.3)
        request.raw_path = ROOT_RAW_PATH
    else:
        request.raw_path = bytes_of(base, verdict.path)
        request.path = decode_path(base + verdict.path.off, verdict.path.len)
    request.query_string = bytes_of(base, verdict.query)
    request.headers = build_headers(parser, verdict)
    return request
