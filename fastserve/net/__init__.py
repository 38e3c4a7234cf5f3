"""Bytes and time: the write queue, the coarse clock, and what the connections of one server share."""
