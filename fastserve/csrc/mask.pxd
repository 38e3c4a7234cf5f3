"""How is a WebSocket payload unmasked?"""

from libc.stdint cimport uint8_t


cdef extern from "mask.h" nogil:
    int fs_unmask(void *dst, const void *src, size_t len, const uint8_t *key)
    void fs_key_advance(uint8_t *key, size_t len)
