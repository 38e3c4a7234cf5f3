"""Do all implementations of HTTP/1 answer alike? tests/wire asks each of them; here they are compared.

differences.py     in what do they differ, and why?     the table, and what holds an outcome to it
messages.py        what do clients send?                requests, valid and bent, from hypothesis
test_requests.py   the same answers to all of it?
"""
