"""A recorded head as a Request."""

from fastserve.csrc.parser cimport fs_parser
from fastserve.csrc.rules cimport fs_verdict
from fastserve.stream.request cimport Request


cdef Request build_request(fs_parser *parser, fs_verdict *verdict)
