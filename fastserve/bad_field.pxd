"""Why can this field not be sent?"""

from fastserve.csrc.answer cimport fs_answer_result

cdef object bad_field(fs_answer_result result, object name, object value)
