"""What an application says of its answer, as the wire has it."""

from fastserve.stream.head cimport Head


cdef Head read_head(object status, object headers)
cdef list read_hints(object headers)
