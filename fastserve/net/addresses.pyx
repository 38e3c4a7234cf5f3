"""Who is at the two ends of a transport?"""

cdef str HTTP = "http"
cdef str HTTPS = "https"


cdef tuple ends_of(object transport):
    """``(scheme, client, server)``: the client is ``(host, port)``, or None on a Unix socket, where the server is
    ``(path, None)``."""
    cdef str scheme = HTTP if transport.get_extra_info("sslcontext") is None else HTTPS
    cdef object name = transport.get_extra_info("sockname")
    cdef object server = address_of(name)
    if server is None and isinstance(name, str):
        server = (name, None)
    return scheme, address_of(transport.get_extra_info("peername")), server


cdef object address_of(object name):
    """``(host, port)`` of an asyncio peername or sockname; None for a Unix socket's."""
    if isinstance(name, (tuple, list)) and len(name) >= 2:
        return (str(name[0]), int(name[1]))
    return None
