"""Where does a WebSocket frame begin and end, and may it stand there?"""

from libc.stdint cimport uint8_t, uint64_t


cdef extern from "wsframe.h" nogil:
    enum:
        FS_WS_CONTINUATION
        FS_WS_TEXT
        FS_WS_BINARY
        FS_WS_CLOSE
        FS_WS_PING
        FS_WS_PONG
        FS_WS_CONTROL_BYTES_MAX

    ctypedef struct fs_ws_reader:
        uint64_t left
        const char *error
        bint in_frame
        uint8_t opcode
        bint fin
        uint8_t message
        bint compressed
        uint8_t head_len

    ctypedef enum fs_ws_event:
        FS_WS_MORE
        FS_WS_HEAD
        FS_WS_ERROR

    void fs_ws_reader_init(fs_ws_reader *reader, bint may_compress)
    fs_ws_event fs_ws_read_head(fs_ws_reader *reader, const char *data, size_t len, size_t *used)
    bint fs_ws_take(fs_ws_reader *reader, char *dst, const char *src, size_t len)
    bint fs_ws_is_data(const fs_ws_reader *reader)
    size_t fs_ws_put_head(char *out, int opcode, bint fin, bint compressed, uint64_t len)
    bint fs_ws_close_code_is_valid(int code)
