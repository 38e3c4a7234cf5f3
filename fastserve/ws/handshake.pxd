"""The request that becomes a WebSocket."""

from fastserve.stream.messages cimport MessageDriver, Upgrade
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream
from fastserve.ws.session cimport SessionSettings


cdef class WebSocketUpgrade(Upgrade):
    cdef MessageDriver driver
    cdef SessionSettings settings
    cdef object deflate              # DeflateOptions, or None
