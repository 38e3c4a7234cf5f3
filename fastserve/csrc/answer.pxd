"""What does a field that the application gives say of its answer?"""

from libc.stdint cimport uint8_t, uint64_t

from fastserve.csrc.resp cimport fs_buf


cdef extern from "answer.h" nogil:
    ctypedef struct fs_said:
        uint64_t length
        uint8_t has_length
        uint8_t closes
        uint8_t has_date
        uint8_t has_server

    ctypedef enum fs_answer_result:
        FS_ANSWER_OK
        FS_ANSWER_BAD_NAME
        FS_ANSWER_BAD_VALUE
        FS_ANSWER_BAD_LENGTH
        FS_ANSWER_TWO_LENGTHS
        FS_ANSWER_BAD_CODING
        FS_ANSWER_NO_MEMORY

    fs_answer_result fs_put_answer_field(fs_buf *buf, fs_said *said, int status, const char *name, size_t name_len,
                                         const char *value, size_t value_len)
