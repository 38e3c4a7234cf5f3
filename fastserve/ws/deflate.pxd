"""Messages, compressed (RFC 7692)."""


cdef class DeflateOptions:
    cdef readonly int window_bits       # ours at most, and what we ask of clients
    cdef readonly int memory_level      # zlib's memLevel


cdef class Deflate:
    cdef readonly int server_window_bits
    cdef readonly int client_window_bits
    cdef readonly bint server_takeover  # our context goes on from message to message
    cdef readonly bint client_takeover
    cdef int memory_level
    cdef object compressor              # zlib's, made when first used
    cdef object decompressor

    cdef bytes compress(self, bytes data)
    cdef bytes decompress(self, bytes data, Py_ssize_t bytes_max)
    cdef bytes response(self)
