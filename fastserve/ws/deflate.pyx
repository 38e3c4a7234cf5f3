"""How is a message compressed, in bounded memory? (RFC 7692)

Both sides keep a window of what passed before, which is what compresses small messages well, and what costs memory.
`negotiate` agrees with a client on how large the windows are and whether they are kept. zlib objects are made when a
message needs them: a connection that never sends anything worth compressing has none.
"""

import zlib

# What ends every compressed message, and is left out on the wire (RFC 7692, 7.2.1).
cdef bytes TAIL = b"\x00\x00\xff\xff"
cdef str NAME = "permessage-deflate"

# Each is decompressed anew from what the one before has left: a client that ends its stream for every other byte
# would have us do little else. One is what RFC 7692 has (7.2.3.4), and what is put behind it.
cdef int STREAMS_MAX = 16


class TooLong(Exception):
    """A message is longer than it may be, once decompressed."""


cdef class DeflateOptions:
    """What the server offers.

    :param window_bits: the base-2 logarithm of the window, 9 to 15 (zlib's deflate cannot do with 8)
    :param memory_level: zlib's memLevel, 1 to 9
    """

    def __init__(self, int window_bits, int memory_level):
        self.window_bits = window_bits
        self.memory_level = memory_level


cdef class Deflate:
    """Both directions of one connection, as negotiated."""

    cdef bytes compress(self, bytes data):
        cdef bytes compressed
        cdef object compressor = self.compressor
        if compressor is None:
            compressor = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -self.server_window_bits,
                                          self.memory_level)
        compressed = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
        if self.server_takeover:
            self.compressor = compressor
        return compressed[:len(compressed) - 4]

    cdef bytes decompress(self, bytes data, Py_ssize_t bytes_max):
        """A message of at most `bytes_max` bytes; no more memory than that is taken. Raises TooLong, or zlib.error
        for what is no deflated message."""
        cdef object decompressor = self.decompressor
        cdef bytes message
        cdef list parts = []
        cdef Py_ssize_t left = bytes_max
        data += TAIL
        while True:
            if decompressor is None:
                decompressor = zlib.decompressobj(-self.client_window_bits)
            message = decompressor.decompress(data, left + 1)
            left -= len(message)
            if left < 0:
                raise TooLong
            parts.append(message)
            if not decompressor.eof:
                break
            # The client has ended its stream (RFC 7692, 7.2.3.4); what follows begins another.
            data = decompressor.unused_data
            decompressor = None
            if TAIL.endswith(data):  # nothing, or what was put behind the message
                break
            if len(parts) == STREAMS_MAX:
                raise zlib.error("too many streams in one message")
        self.decompressor = decompressor if self.client_takeover else None
        return message if len(parts) == 1 else b"".join(parts)

    cdef bytes response(self):
        """The extension as agreed on, for the answer's Sec-WebSocket-Extensions (RFC 7692, 7.1)."""
        text = NAME
        if not self.server_takeover:
            text += "; server_no_context_takeover"
        if not self.client_takeover:
            text += "; client_no_context_takeover"
        if self.server_window_bits < 15:
            text += f"; server_max_window_bits={self.server_window_bits}"
        if self.client_window_bits < 15:
            text += f"; client_max_window_bits={self.client_window_bits}"
        return text.encode("ascii")


def negotiate(offers, DeflateOptions options not None):
    """Returns the Deflate of the first acceptable offer, or None.

    :param offers: the client's extensions in its order: (name, list of (parameter, value or None))
    """
    for name, parameters in offers:
        if name == NAME:
            agreed = accept(parameters, options)
            if agreed is not None:
                return agreed
    return None


cdef Deflate accept(list parameters, DeflateOptions options):
    """One offer; None if it asks for what is not known, twice for the same, or for what zlib cannot do."""
    cdef Deflate agreed = Deflate.__new__(Deflate)
    cdef set seen = set()
    cdef int bits
    agreed.memory_level = options.memory_level
    agreed.server_window_bits = options.window_bits
    agreed.client_window_bits = 15
    agreed.server_takeover = agreed.client_takeover = True
    for name, value in parameters:
        if name in seen:
            return None
        seen.add(name)
        if name == "server_no_context_takeover" and value is None:
            agreed.server_takeover = False
        elif name == "client_no_context_takeover" and value is None:
            agreed.client_takeover = False
        elif name == "server_max_window_bits" and value is not None:
            bits = window_bits(value)
            if bits < 9:  # 8, or no number
                return None
            agreed.server_window_bits = min(bits, options.window_bits)
        elif name == "client_max_window_bits":
            bits = 15 if value is None else window_bits(value)
            if bits == 0:
                return None
            agreed.client_window_bits = min(bits, options.window_bits)
        else:
            return None
    return agreed


cdef int window_bits(str text) except -1:
    """The number, 8 to 15 without a leading zero (RFC 7692, 7.1.2), or 0."""
    return int(text) if text in ("8", "9", "10", "11", "12", "13", "14", "15") else 0
