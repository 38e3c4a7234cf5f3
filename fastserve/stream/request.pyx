"""What is asked? The protocol fills a Request, a filter may correct it, the driver reads it; then nobody changes it."""

cimport cython


# No cycle goes through a request: it refers to addresses, strings and a list that never refers back.
@cython.freelist(64)
@cython.no_gc
cdef class Request:
    """One request's head.

    :ivar str method: in upper case (RFC 9110, 9)
    :ivar str path: percent-decoded and decoded as UTF-8
    :ivar bytes raw_path: the path as it came, without the query (RFC 3986, 3.3)
    :ivar bytes query_string: without the question mark, as it came (RFC 3986, 3.4)
    :ivar str http_version: ``"1.0"`` or ``"1.1"``
    :ivar str scheme: ``"http"`` or ``"https"``
    :ivar list headers: ``(name, value)`` in bytes, the names in lower case, in the order of arrival
    :ivar client: ``(host, port)`` of the peer, or None where it has none (a Unix socket)
    :ivar server: ``(host, port)`` of our side, or ``(path, None)``
    :ivar dict tls: what ASGI's TLS extension tells of the connection, or None where it is not encrypted
    :ivar str protocol: what the request asks to become and may (RFC 9110, 7.8), ``"websocket"``; None for nothing
    :ivar str request_id: names the request in logs, or None where nobody wants that
    :ivar str traceparent: the trace that the request belongs to (W3C Trace Context, 3.2), or None
    """

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"
