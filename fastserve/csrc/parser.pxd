"""Where does what begin and end?"""

from libc.stdint cimport uint8_t

from fastserve.csrc.body cimport fs_body
from fastserve.csrc.head cimport fs_head
from fastserve.csrc.bounds cimport fs_limits, fs_refusal
from fastserve.csrc.llhttp cimport llhttp_t


cdef extern from "parser.h" nogil:
    ctypedef enum fs_event:
        FS_MORE
        FS_HEAD
        FS_HEAD_END
        FS_END
        FS_ERROR

    ctypedef struct fs_parser:
        llhttp_t http
        fs_head *head
        const char *base
        fs_refusal refusal
        uint8_t in_body
        fs_body body

    void fs_parser_init(fs_parser *parser, const fs_limits *limits)
    void fs_parser_destroy(fs_parser *parser)
    fs_event fs_parser_feed(fs_parser *parser, const char *data, size_t len, size_t *consumed)
    void fs_parser_release_head(fs_parser *parser)
    void fs_parser_release_body(fs_parser *parser)
    bint fs_parser_head_begun(const fs_parser *parser)
