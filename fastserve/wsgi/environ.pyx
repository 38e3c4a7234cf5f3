"""How does a Request look to a WSGI application? (PEP 3333, "environ Variables"; RFC 3875, 4.1)

Text in an environ is bytes, decoded as latin-1. What PEP 3333 does not name goes by names that begin with
``fastserve.``.
"""

import sys

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Copy, PyDict_SetItem, PyDict_Size
from cpython.list cimport PyList_GET_ITEM
from cpython.ref cimport Py_REFCNT
from cpython.unicode cimport PyUnicode_DecodeLatin1

from fastserve.csrc.names cimport FS_NAME_COUNT, fs_names
from fastserve.csrc.target cimport fs_path_is_plain, fs_percent_decode
from fastserve.stream.request cimport Request
from fastserve.wsgi.input cimport NO_INPUT

from fastserve._version import __version__
from fastserve.wsgi.file_wrapper import FileWrapper

cdef int HEADER_ROOM = 5  # of fields, at least; more of them were no longer copied as they stand
cdef Py_ssize_t KNOWN_SLOTS = 256
cdef str ROOT_PATH = "/"
cdef str HTTP_1_1 = "HTTP/1.1"
cdef str HTTP_1_0 = "HTTP/1.0"
cdef str COOKIE = "HTTP_COOKIE"

# Two header names would share a variable if one with an underscore had any: X_Forwarded_For is no X-Forwarded-For that
# a proxy has set. So it has none.
cdef str variable_of(bytes name):
    """The variable of a field name in lower case, or None."""
    if name == b"content-type" or name == b"content-length":
        return name.upper().replace(b"-", b"_").decode("ascii")
    if b"_" in name:
        return None
    return "HTTP_" + name.upper().replace(b"-", b"_").decode("ascii")


cdef dict VARIABLES = {
    fs_names[i].text[:fs_names[i].len]: variable_of(fs_names[i].text[:fs_names[i].len]) for i in range(1, FS_NAME_COUNT)
}


cdef inline str latin_1(bytes text):
    return PyUnicode_DecodeLatin1(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), NULL)


cdef inline Py_ssize_t slot_of(tuple field) noexcept:
    """By its address: a tuple of two with its garbage collector's head has 64 bytes."""
    return (<size_t><void *>field >> 6) % KNOWN_SLOTS


cdef str decode_path(bytes raw):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(raw)
    cdef bytes decoded = PyBytes_FromStringAndSize(NULL, size)
    size = fs_percent_decode(PyBytes_AS_STRING(decoded), PyBytes_AS_STRING(raw), size)
    return PyUnicode_DecodeLatin1(PyBytes_AS_STRING(decoded), size, NULL)


cdef class EnvironMaker:
    """Makes the environs of one application in one thread: copies of a template.

    What one request has in common with the last (method, version, scheme, address of the server) stays in the template:
    comparing it by identity is cheaper than storing it again. And what a field became is kept as long as the protocol
    shares the field among requests, as it does with what clients say again and again.

    :param root_path: the path that the application is mounted at
    :param is_stripped: whether the proxy took root_path off the paths that come here
    :param multithread: whether two threads may be in the application at once
    :param multiprocess: whether two processes may
    :param errors: ``wsgi.errors``; None: stderr
    """

    def __cinit__(self, str root_path not None, bint is_stripped=True, bint multithread=True, bint multiprocess=False,
                  object errors=None):
        bare = root_path.strip("/").encode("utf-8").decode("latin-1")
        self.prefix = "/" + bare if bare else ""
        self.is_stripped = is_stripped
        self.template = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": self.prefix,
            "PATH_INFO": ROOT_PATH,
            "QUERY_STRING": "",
            "SERVER_NAME": "",
            "SERVER_PORT": "",
            "SERVER_PROTOCOL": HTTP_1_1,
            "SERVER_SOFTWARE": f"fastserve/{__version__}",
            "REMOTE_ADDR": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": NO_INPUT,
            "wsgi.errors": errors if errors is not None else sys.stderr,
            "wsgi.multithread": multithread,
            "wsgi.multiprocess": multiprocess,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.early_hints": None,
            "fastserve.client": None,
            "fastserve.raw_path": ROOT_PATH,
        }
        self.known = [None] * KNOWN_SLOTS
        # One key more has the table grow, and copies have the size of what they are copies of: with room for what the
        # request's header adds, none of them grows while a request waits.
        for number in range(HEADER_ROOM):
            self.template[f"room {number}"] = None
        for number in range(HEADER_ROOM):
            del self.template[f"room {number}"]

    cdef dict make(self, Request request, object body, object early_hints):
        """The environ of this request, with `body` as ``wsgi.input``; None: there is no body."""
        cdef dict environ
        cdef Py_ssize_t size
        cdef str name
        cdef str value
        cdef str earlier
        cdef tuple field
        cdef tuple known
        if (request.method is not self.method or request.server is not self.server or request.server is None
                or request.http_version is not self.http_version or request.scheme is not self.scheme):
            self.update_template(request)
        environ = PyDict_Copy(self.template)
        self.put_path(environ, request)
        if PyBytes_GET_SIZE(request.query_string) > 0:
            PyDict_SetItem(environ, "QUERY_STRING", latin_1(request.query_string))
        if request.client is not None:
            PyDict_SetItem(environ, "REMOTE_ADDR", (<tuple>request.client)[0])
            PyDict_SetItem(environ, "fastserve.client", request.client)
        if body is not None:
            PyDict_SetItem(environ, "wsgi.input", body)
        PyDict_SetItem(environ, "wsgi.early_hints", early_hints)
        if request.request_id is not None:
            PyDict_SetItem(environ, "fastserve.request_id", request.request_id)
            PyDict_SetItem(environ, "fastserve.traceparent", request.traceparent)
        for field in request.headers:
            known = <tuple>PyList_GET_ITEM(self.known, slot_of(field))
            if known is None or known[0] is not field:
                known = self.read_field(field)
            name, value = <str>known[1], <str>known[2]
            if name is None:
                continue
            size = PyDict_Size(environ)
            earlier = <str>environ.setdefault(name, value)
            if PyDict_Size(environ) == size:  # RFC 9110, 5.3; RFC 6265, 4.2.1
                PyDict_SetItem(environ, name, earlier + ("; " if name == COOKIE else ",") + value)
        return environ

    cdef tuple read_field(self, tuple field):
        """The field with its variable, or None, and the value. Kept, where somebody besides the request holds it."""
        cdef object name = VARIABLES.get(<bytes>field[0])
        cdef tuple known
        if name is None:
            name = variable_of(<bytes>field[0])
        known = (field, name, latin_1(<bytes>field[1]))
        if Py_REFCNT(field) > 3:  # its list, the caller, and `known`; so nobody's secrets outlive their request here
            self.known[slot_of(field)] = known
        return known

    cdef int put_path(self, dict environ, Request request) except -1:
        cdef bytes raw = request.raw_path
        cdef str path
        if fs_path_is_plain(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw)):
            path = request.path
            if path is ROOT_PATH and self.is_stripped:
                return 0
            PyDict_SetItem(environ, "fastserve.raw_path", path)
        else:
            path = decode_path(raw)
            PyDict_SetItem(environ, "fastserve.raw_path", latin_1(raw))
        if not self.is_stripped and len(self.prefix) > 0:
            if path == self.prefix or path.startswith(self.prefix + "/"):
                path = path[len(self.prefix):]
            else:
                PyDict_SetItem(environ, "SCRIPT_NAME", "")
        if path == "*":  # of OPTIONS: the server as a whole, no path of its
            path = ""
        PyDict_SetItem(environ, "PATH_INFO", path)
        return 0

    cdef int update_template(self, Request request) except -1:
        self.method = request.method
        self.http_version = request.http_version
        self.scheme = request.scheme
        self.server = request.server
        name, port = server_names(request)
        self.template.update({
            "REQUEST_METHOD": self.method,
            "SERVER_PROTOCOL": HTTP_1_1 if self.http_version == "1.1" else HTTP_1_0,
            "wsgi.url_scheme": self.scheme,
            "SERVER_NAME": name,
            "SERVER_PORT": port,
        })
        return 0


cdef tuple server_names(Request request):
    """SERVER_NAME and SERVER_PORT, neither of which may be empty."""
    cdef object server = request.server
    if server is None or server[1] is None:  # a Unix socket has neither
        return "localhost", "443" if request.scheme == "https" else "80"
    host = str(server[0])
    return f"[{host}]" if ":" in host and host[0] != "[" else host, str(server[1])
