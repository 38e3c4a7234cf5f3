"""Where are the parts of this message?"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from fastserve.csrc.llhttp cimport llhttp_t


cdef extern from "head.h" nogil:
    ctypedef struct fs_span:
        uint32_t off
        uint32_t len

    ctypedef struct fs_field:
        fs_span name
        fs_span value
        uint8_t id

    ctypedef struct fs_head:
        fs_span target
        uint32_t end
        uint32_t field_count
        fs_field *fields

    ctypedef struct fs_limits:
        uint32_t request_line_bytes_max
        uint32_t header_bytes_max
        uint32_t header_count_max
        uint32_t chunk_extension_bytes_max

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
        const char *body
        size_t body_len
        const char *reason
        uint16_t status
        uint8_t in_body

    void fs_parser_init(fs_parser *parser, const fs_limits *limits)
    void fs_parser_destroy(fs_parser *parser)
    fs_event fs_parser_feed(fs_parser *parser, const char *data, size_t len, size_t *consumed)
    void fs_parser_release_head(fs_parser *parser)
    void fs_parser_release_body(fs_parser *parser)
    bint fs_parser_head_begun(const fs_parser *parser)
