"""The C rooms, as Cython sees them: csrc/head.h, rules.h, names.h, resp.h, target.h."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "llhttp.h" nogil:
    ctypedef struct llhttp_t:
        uint8_t method
        uint8_t http_major
        uint8_t http_minor
    const char *llhttp_method_name(int method)


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
        const char *saved
        uint32_t saved_len
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


cdef extern from "names.h" nogil:
    ctypedef struct fs_name:
        const char *text
        size_t len
    const fs_name fs_names[]
    const uint8_t fs_lower[256]
    int FS_NAME_COUNT
    int FS_NAME_HOST
    int FS_NAME_CONNECTION
    int FS_NAME_CONTENT_LENGTH
    int FS_NAME_TRANSFER_ENCODING
    int FS_NAME_DATE
    int FS_NAME_SERVER
    int fs_name_find(const char *name, size_t len)
    bint fs_equals_lower(const char *text, const char *lower, size_t len)


cdef extern from "target.h" nogil:
    bint fs_path_is_plain(const char *path, size_t len)
    size_t fs_percent_decode(char *out, const char *path, size_t len)


cdef extern from "resp.h" nogil:
    ctypedef struct fs_buf:
        char *data
        size_t len
        size_t cap

    ctypedef enum fs_field_result:
        FS_FIELD_OK
        FS_FIELD_BAD_NAME
        FS_FIELD_BAD_VALUE
        FS_FIELD_NO_MEMORY

    int fs_buf_reserve(fs_buf *buf, size_t more)
    int fs_put_status_line(fs_buf *buf, int status)
    fs_field_result fs_put_field(fs_buf *buf, const char *name, size_t name_len, const char *value, size_t value_len)
    const char *fs_reason_phrase(int status)
    size_t fs_put_decimal(char *out, uint64_t number)
    int fs_read_decimal(const char *text, size_t len, uint64_t *number)
    size_t fs_put_chunk_size(char *out, uint64_t size)
