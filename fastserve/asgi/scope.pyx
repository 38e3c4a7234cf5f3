"""How does a Request look to an ASGI application? (ASGI 3.0, HTTP & WebSocket specification 2.5, "Connection Scope")"""

from cpython.dict cimport PyDict_Copy, PyDict_SetItem

from fastserve.stream.request cimport Request

ASGI_VERSION = "3.0"
SPEC_VERSION = "2.5"

cdef dict SCHEMES = {"http": "ws", "https": "wss"}


cdef class ScopeMaker:
    """Makes the scopes of one application.

    A scope is a copy of a template that has every key, so that no dict grows while a request waits. What one request
    has in common with the last (method, version, address of the server) stays in the template: those values are
    immutable, and comparing them by identity is cheaper than storing them again.

    :param root_path: the path that the application is mounted at
    :param state: from the lifespan; each scope gets a shallow copy
    :param is_stripped: whether the proxy took root_path off the paths that come here
    :param pathsend: whether applications are told that files may be sent by their paths
    """

    def __cinit__(self, str root_path not None, dict state not None, bint is_stripped=True, bint pathsend=False):
        self.prefix = root_path if is_stripped else ""
        self.raw_prefix = self.prefix.encode("utf-8")
        self.extensions = self.tls_extensions = {"http.response.early_hint": {}}
        if pathsend:
            self.extensions = {**self.tls_extensions, "http.response.pathsend": {}}
        self.websocket_extensions = {"websocket.http.response": {}}
        self.state = state
        common = {
            "asgi": {"version": ASGI_VERSION, "spec_version": SPEC_VERSION},
            "http_version": None,
            "server": None,
            "client": None,
            "scheme": None,
            "root_path": root_path,
            "path": None,
            "raw_path": None,
            "query_string": b"",
            "headers": None,
            "state": None,
            "extensions": None,
        }
        self.template = small({"type": "http", "method": None, **common})
        self.websocket_template = small({"type": "websocket", "subprotocols": None, **common})

    cdef int update_templates(self, Request request) except -1:
        self.method = request.method
        self.http_version = request.http_version
        self.scheme = request.scheme
        self.server = request.server
        self.template["method"] = self.method
        self.template["scheme"] = self.scheme
        self.websocket_template["scheme"] = SCHEMES.get(self.scheme, self.scheme)
        for template in (self.template, self.websocket_template):
            template["http_version"] = self.http_version
            template["server"] = self.server
        return 0

    cdef dict fill(self, dict template, Request request):
        """A copy of the template for this request, but for the extensions."""
        cdef dict scope
        cdef dict state
        if (request.method is not self.method or request.server is not self.server
                or request.http_version is not self.http_version or request.scheme is not self.scheme):
            self.update_templates(request)
        scope = PyDict_Copy(template)
        PyDict_SetItem(scope, "client", request.client)
        PyDict_SetItem(scope, "headers", request.headers)
        state = PyDict_Copy(self.state)
        if request.request_id is not None:
            PyDict_SetItem(state, "request_id", request.request_id)
            PyDict_SetItem(state, "traceparent", request.traceparent)
        PyDict_SetItem(scope, "state", state)
        if len(request.query_string) > 0:
            PyDict_SetItem(scope, "query_string", request.query_string)
        if len(self.prefix) == 0:
            PyDict_SetItem(scope, "path", request.path)
            PyDict_SetItem(scope, "raw_path", request.raw_path)
        else:
            # The specification wants the whole path, the root path in front.
            PyDict_SetItem(scope, "path", self.prefix + request.path)
            PyDict_SetItem(scope, "raw_path", self.raw_prefix + request.raw_path)
        return scope

    cdef dict make(self, Request request):
        cdef dict scope = self.fill(self.template, request)
        cdef dict extensions
        if request.tls is None:
            extensions = PyDict_Copy(self.extensions)
        else:
            extensions = PyDict_Copy(self.tls_extensions)
            PyDict_SetItem(extensions, "tls", PyDict_Copy(request.tls))
        PyDict_SetItem(scope, "extensions", extensions)
        return scope

    cdef dict make_websocket(self, Request request, list subprotocols):
        """The scope of a request that may become a WebSocket: with the extensions that concern it. The list is the
        application's from now on."""
        cdef dict scope = self.fill(self.websocket_template, request)
        cdef dict extensions = PyDict_Copy(self.websocket_extensions)
        if request.tls is not None:
            extensions["tls"] = PyDict_Copy(request.tls)
        scope["subprotocols"] = subprotocols
        scope["extensions"] = extensions
        return scope


cdef dict small(dict fields):
    """The same in a quarter less memory, and its copies too: what Cython makes of a literal is a dict for keys of any
    kind; filled one by one it is one for keys that are strings (CPython 3.11)."""
    return dict(fields.items())
