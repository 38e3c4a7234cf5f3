"""The server behind a network that delays, splits, joins, cuts off and resets.

proxy.py        what becomes of the bytes on their way?
test_faults.py  are the answers right, or does the connection end cleanly?
"""
