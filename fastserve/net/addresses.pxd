"""Who is at the two ends of a transport?"""

cdef tuple ends_of(object transport)
