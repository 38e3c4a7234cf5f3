"""How does a recorded head become a Request?

Every name that csrc/names knows is one bytes object for the life of the process; methods likewise. And whole fields are
shared: clients say the same Host, Accept and User-Agent in every request, and a field is an immutable pair.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeUTF8
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy

from fastserve.csrc.head cimport fs_field, fs_span
from fastserve.csrc.llhttp cimport llhttp_method_name
from fastserve.csrc.names cimport FS_NAME_COUNT, FS_NAME_HOST, fs_lower, fs_names
from fastserve.csrc.parser cimport fs_parser
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


# Fields seen lately, by name and value: one slot a hash, the newest wins. Only names that csrc/names knows take part,
# and none whose values are secrets or differ from request to request; so memory is bounded, and nobody's credentials
# outlive their request here.
cdef enum:
    SHARED_SLOTS = 256
    SHARED_VALUE_BYTES_MAX = 256

cdef list SHARED = [None] * SHARED_SLOTS
cdef unsigned char IS_SHARED[256]


cdef mark_shared_names():
    unshared = (b"authorization", b"cookie", b"content-length", b"referer", b"if-match", b"if-none-match", b"range",
                b"if-range", b"if-modified-since", b"if-unmodified-since", b"traceparent", b"tracestate",
                b"x-request-id", b"x-forwarded-for", b"forwarded", b"x-real-ip", b"sec-websocket-key")
    for i in range(256):
        IS_SHARED[i] = 0 < i < FS_NAME_COUNT and NAMES[i] not in unshared

mark_shared_names()


cdef inline uint32_t slot_of(int id, const char *value, uint32_t size) noexcept nogil:
    cdef uint64_t mixed = <uint64_t>id * 0x100 + size
    cdef uint64_t word
    while size >= 8:
        memcpy(&word, value, 8)
        mixed = (mixed ^ word) * <uint64_t>0x9E3779B97F4A7C15
        mixed ^= mixed >> 32
        value += 8
        size -= 8
    word = 0
    memcpy(&word, value, size)
    mixed = (mixed ^ word) * <uint64_t>0x9E3779B97F4A7C15
    return (mixed >> 40) % SHARED_SLOTS


cdef tuple shared_field(int id, const char *value, uint32_t size):
    cdef uint32_t slot = slot_of(id, value, size)
    cdef object name = NAMES[id]
    cdef object known = SHARED[slot]
    cdef tuple pair
    if known is not None:
        pair = <tuple>known
        if (pair[0] is name and PyBytes_GET_SIZE(pair[1]) == size
                and memcmp(PyBytes_AS_STRING(pair[1]), value, size) == 0):
            return pair
    pair = (name, PyBytes_FromStringAndSize(value, size))
    SHARED[slot] = pair
    return pair


cdef list build_headers(fs_parser *parser, fs_verdict *verdict):
    cdef const char *base = parser.base
    cdef uint32_t count = parser.head.field_count
    cdef uint32_t i
    cdef fs_field *field
    cdef fs_span value
    cdef tuple pair
    cdef list headers = PyList_New(count)
    for i in range(count):
        field = &parser.head.fields[i]
        value = field.value
        if field.id == FS_NAME_HOST and verdict.authority.len > 0:
            value = verdict.authority  # RFC 9112, 3.2.2: the target's authority replaces Host
        if IS_SHARED[field.id] and value.len <= SHARED_VALUE_BYTES_MAX:
            pair = shared_field(field.id, base + value.off, value.len)
        elif field.id != 0:
            pair = (<bytes>NAMES[field.id], bytes_of(base, value))
        else:
            pair = (lower_name(base + field.name.off, field.name.len), bytes_of(base, value))
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
