"""Why can a field not be sent that the application gave? The words for what csrc/answer.h finds."""

from fastserve.csrc.answer cimport (
    FS_ANSWER_BAD_CODING, FS_ANSWER_BAD_LENGTH, FS_ANSWER_BAD_NAME, FS_ANSWER_NO_MEMORY, FS_ANSWER_TWO_LENGTHS,
)


cdef object bad_field(fs_answer_result result, object name, object value):
    """The exception for a result that is not OK, with name and value as the application gave them."""
    if result == FS_ANSWER_BAD_NAME:
        return ValueError(f"invalid response header name: {name!r}")
    if result == FS_ANSWER_BAD_LENGTH:
        return ValueError(f"invalid Content-Length in the response: {value!r}")
    if result == FS_ANSWER_TWO_LENGTHS:
        return ValueError("two different Content-Length fields in the response")
    if result == FS_ANSWER_BAD_CODING:
        return ValueError(f"the server frames the response: Transfer-Encoding {value!r} cannot be sent")
    if result == FS_ANSWER_NO_MEMORY:
        return MemoryError()
    return ValueError(f"invalid value of the response header {name!r}: {value!r}")
