"""How does a request look that came through a proxy?

Which peers are believed is asked once for each connection (trust.py), what their headers mean is read by forwarded.py
and remembered: a request whose headers were seen before costs a walk over its names and one look into a dict. Its
client, scheme, server and Host header then are those of the first hop that is not trusted.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from fastserve.features.forwarded import Fields, origin_of
from fastserve.features.trust import TrustedPeers
from fastserve.stream.filter cimport RequestFilter
from fastserve.stream.request cimport Request

cdef Py_ssize_t NAME_BYTES_MIN = 9  # forwarded
cdef Py_ssize_t KNOWN_MAX = 1024
cdef Py_ssize_t KNOWN_BYTES_MAX = 512  # of one header; longer ones are read anew each time


cdef inline bint may_be_ours(bytes name) noexcept:
    cdef char first
    if PyBytes_GET_SIZE(name) < NAME_BYTES_MIN:
        return False
    first = PyBytes_AS_STRING(name)[0]
    return first == c"x" or first == c"f"


cdef bytes joined(object values, bytes value):
    """Lines of one name are one list (RFC 9110, 5.3)."""
    return value if values is None else <bytes>values + b"," + value


cdef class ProxyHeaders(RequestFilter):
    """Believes what trusted peers say of a request's way.

    :param trusted: a `TrustedPeers`
    :param names: the headers that are read, of ``x-forwarded-for``, ``-proto``, ``-host``, ``-port`` and ``forwarded``
    :param strangers: the filter of all other peers' requests, or None
    """

    def __init__(self, trusted, names, RequestFilter strangers=None):
        self.trusted = trusted
        self.strangers = strangers
        self.reads_for = "x-forwarded-for" in names
        self.reads_proto = "x-forwarded-proto" in names
        self.reads_host = "x-forwarded-host" in names
        self.reads_port = "x-forwarded-port" in names
        self.reads_forwarded = "forwarded" in names
        self.known = {}

    cdef RequestFilter for_connection(self, object client, object server):
        return self if self.trusted.trusts(client, server) else self.strangers

    cdef int apply(self, Request request) except -1:
        cdef object hops = None, proto = None, host = None, port = None, forwarded = None
        cdef object origin
        cdef bytes name
        cdef tuple field
        for field in request.headers:
            name = <bytes>field[0]
            if not may_be_ours(name):
                continue
            if self.reads_for and name == b"x-forwarded-for":
                hops = joined(hops, field[1])
            elif self.reads_proto and name == b"x-forwarded-proto":
                proto = joined(proto, field[1])
            elif self.reads_host and name == b"x-forwarded-host":
                host = joined(host, field[1])
            elif self.reads_port and name == b"x-forwarded-port":
                port = joined(port, field[1])
            elif self.reads_forwarded and name == b"forwarded":
                forwarded = joined(forwarded, field[1])
        if hops is None and proto is None and host is None and port is None and forwarded is None:
            return 0
        origin = self.look_up((hops, proto, host, port, forwarded, request.scheme))
        if origin.client is not None:
            request.client = origin.client
        if origin.scheme is not None:
            request.scheme = origin.scheme
        if origin.server is not None:
            request.server = origin.server
            replace_host(request, origin.authority)
        elif origin.server_port is not None and request.server is not None and request.server[1] is not None:
            request.server = (request.server[0], origin.server_port)
        return 0

    cdef object look_up(self, tuple key):
        cdef object origin = self.known.get(key)
        if origin is None:
            origin = origin_of(Fields(*key[:5]), key[5], self.trusted)
            for value in key[:5]:
                if value is not None and len(value) > KNOWN_BYTES_MAX:
                    return origin
            if len(self.known) >= KNOWN_MAX:
                self.known.clear()
            self.known[key] = origin
        return origin


cdef int replace_host(Request request, bytes authority) except -1:
    cdef Py_ssize_t i
    for i in range(len(request.headers)):
        if request.headers[i][0] == b"host":
            request.headers[i] = (b"host", authority)
            return 0
    request.headers.append((b"host", authority))  # HTTP/1.0 needs none
    return 0


cdef class Stripper(RequestFilter):
    """Removes whatever might be taken for a proxy's word."""

    cdef RequestFilter for_connection(self, object client, object server):
        return self

    cdef int apply(self, Request request) except -1:
        cdef tuple field
        for field in request.headers:
            if is_of_proxies(<bytes>field[0]):
                request.headers = [field for field in request.headers if not is_of_proxies(field[0])]
                break
        return 0


cdef bint is_of_proxies(bytes name) except -1:
    if not may_be_ours(name):
        return False
    return name == b"forwarded" or name == b"x-real-ip" or name.startswith(b"x-forwarded-")


def proxy_filter(str allowed, names, bint reads, bint strip_untrusted):
    """What the options ask for, or None; and the entries of `allowed` that mean nothing.

    :param allowed: the peers whose headers count, see `TrustedPeers`
    :param names: the headers that are read, see `ProxyHeaders`
    :param reads: whether they are read at all; if not, no peer is trusted
    :param strip_untrusted: whether the application shall not see what other peers say
    """
    cdef RequestFilter strangers = Stripper() if strip_untrusted else None
    if not reads:
        return strangers, []
    trusted = TrustedPeers(allowed)
    return ProxyHeaders(trusted, names, strangers), trusted.rejected
