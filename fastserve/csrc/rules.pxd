"""May this head be served, and how is its message framed?"""

from libc.stdint cimport uint16_t, uint64_t

from fastserve.csrc.head cimport fs_span
from fastserve.csrc.parser cimport fs_parser


cdef extern from "rules.h" nogil:
    ctypedef struct fs_verdict:
        uint16_t status
        const char *reason
        fs_span path
        fs_span query
        fs_span authority
        uint64_t content_length
        bint has_content_length
        bint chunked
        bint keep_alive
        bint expects_continue
        bint upgrade

    void fs_judge_parser(fs_parser *parser, fs_verdict *verdict)
