"""What do receive() and send() return?

An ``await`` needs an object whose iterator ends when the result is there. A coroutine is one, and costs a frame; these
are others. They have the methods of ``collections.abc.Coroutine``, so that ``asyncio.create_task(receive())`` works as
with a coroutine.
"""

PENDING = object()


cdef class Awaitable:
    """An awaitable that polls, and waits for a future in between. One await an object."""

    cdef object poll(self):
        """The result, or PENDING; may raise."""
        raise NotImplementedError

    cdef object waiter(self):
        """A future that is done when polling again is worth while."""
        raise NotImplementedError

    cdef object advance(self):
        """The future to wait for, or PENDING: then the result is in a StopIteration that the caller raises."""
        cdef object result = self.poll()
        cdef object future
        if result is not PENDING:
            raise StopIteration(result)
        future = self.waiter()
        future._asyncio_future_blocking = True  # as its own __await__ tells the task that it is not merely yielded
        return future

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.advance()

    def send(self, value):
        return self.advance()

    def throw(self, kind, value=None, traceback=None):
        if value is None:
            value = kind() if isinstance(kind, type) else kind
        raise value if traceback is None else value.with_traceback(traceback)

    def close(self):
        """A coroutine's, for one that is given up. There is nothing to end."""


cdef class Ready(Awaitable):
    """The awaitable of what is done already. It has no state: one serves everybody."""

    def __next__(self):
        raise StopIteration

    def send(self, value):
        raise StopIteration


READY = Ready()
