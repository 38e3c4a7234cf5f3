"""How is a response head spelled, and is it safe to send?"""

from libc.stdint cimport int64_t, uint64_t


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
    void fs_buf_free(fs_buf *buf)
    int fs_put_status_line(fs_buf *buf, int status)
    fs_field_result fs_put_reasoned_status_line(fs_buf *buf, int status, const char *reason, size_t reason_len)
    fs_field_result fs_put_field(fs_buf *buf, const char *name, size_t name_len, const char *value, size_t value_len)
    const char *fs_reason_phrase(int status)
    size_t fs_put_decimal(char *out, uint64_t number)
    int fs_read_decimal(const char *text, size_t len, uint64_t *number)
    size_t fs_put_chunk_size(char *out, uint64_t size)
    void fs_put_date(char *out, int64_t epoch_s)
