"""A request, whatever protocol brought it."""

cdef class Request:
    cdef readonly str method          # upper case
    cdef readonly str path            # percent-decoded, then UTF-8 with U+FFFD for what is none
    cdef readonly bytes raw_path      # as received, without the query
    cdef readonly bytes query_string  # without the question mark
    cdef readonly str http_version    # "1.0", "1.1"
    cdef readonly str scheme
    cdef readonly list headers        # of (name in lower case, value), both bytes, in order
    cdef readonly object client       # (host, port), or None
    cdef readonly object server       # (host, port), or (path, None)
    cdef readonly dict tls            # of ASGI's TLS extension, or None
    cdef readonly str protocol        # what it asks to become: "websocket", or None
    cdef readonly str request_id      # or None: nobody wants one
    cdef readonly str traceparent     # of W3C's Trace Context, or None
