"""A recorded head as a Request."""

from fastserve.h1.llhttp cimport fs_parser, fs_verdict
from fastserve.stream.request cimport Request


cdef Request build_request(fs_parser *parser, fs_verdict *verdict)
