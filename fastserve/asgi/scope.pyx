"""How does a Request look to an ASGI application? (ASGI 3.0, HTTP & WebSocket specification 2.5, "Connection Scope")"""

from cpython.dict cimport PyDict_Copy, PyDict_SetItem

from fastserve.stream.request cimport Request

ASGI_VERSION = "3.0"
SPEC_VERSION = "2.5"


cdef class ScopeMaker:
    """Makes the scopes of one application.

    :param root_path: the path that the application is mounted at
    :param state: from the lifespan; each scope gets a shallow copy
    """

    def __cinit__(self, str root_path not None, dict state not None):
        self.asgi = {"version": ASGI_VERSION, "spec_version": SPEC_VERSION}
        self.extensions = {"http.response.early_hint": {}}
        self.state = state
        # Every key, so that a scope is a copy whose values are replaced: no dict grows while a request waits.
        self.template = {
            "type": "http",
            "asgi": self.asgi,
            "http_version": "1.1",
            "server": None,
            "client": None,
            "scheme": "http",
            "method": "GET",
            "root_path": root_path,
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "headers": None,
            "state": None,
            "extensions": None,
        }

    cdef dict make(self, Request request):
        cdef dict scope = PyDict_Copy(self.template)
        cdef str root_path = <str>self.template["root_path"]
        PyDict_SetItem(scope, "asgi", PyDict_Copy(self.asgi))
        PyDict_SetItem(scope, "http_version", request.http_version)
        PyDict_SetItem(scope, "server", request.server)
        PyDict_SetItem(scope, "client", request.client)
        PyDict_SetItem(scope, "scheme", request.scheme)
        PyDict_SetItem(scope, "method", request.method)
        PyDict_SetItem(scope, "query_string", request.query_string)
        PyDict_SetItem(scope, "headers", request.headers)
        PyDict_SetItem(scope, "state", PyDict_Copy(self.state))
        PyDict_SetItem(scope, "extensions", PyDict_Copy(self.extensions))
        if len(root_path) == 0:
            PyDict_SetItem(scope, "path", request.path)
            PyDict_SetItem(scope, "raw_path", request.raw_path)
        else:
            # The specification wants the path with the root path in front, as WSGI's SCRIPT_NAME + PATH_INFO.
            PyDict_SetItem(scope, "path", root_path + request.path)
            PyDict_SetItem(scope, "raw_path", root_path.encode("utf-8") + request.raw_path)
        return scope
