"""What is done once in a turn of the event loop, for all connections in a row?

An event loop hands over one readable socket after the other. To read, serve and write each before the next is looked
at is the obvious way, and a slow one: every system call evicts the interpreter from the processor's caches, and every
write wakes a client that has fallen asleep meanwhile. So a connection that has been read joins its loop's Turn. When
the loop has read them all, the turn works them off, one after the other, and then writes all the answers. Under load
that halves the time a request takes outside the kernel; a lone request pays one more callback.
"""

import asyncio
import logging
import sys

from fastserve.stream.stream cimport Driver

logger = logging.getLogger("fastserve.error")


cdef class Reader:
    cdef int work(self) except -1:
        """Work off what was read."""
        raise NotImplementedError

    cdef int drop(self) except -1:
        """Working failed in a way that nobody foresaw: end the connection."""
        raise NotImplementedError


cdef class Writer:
    cdef int flush(self) except -1:
        """Write what waits."""
        raise NotImplementedError

    cdef int drop(self) except -1:
        """Writing failed in a way that nobody foresaw: end the connection."""
        raise NotImplementedError


cdef class Turn:
    """What one event loop does with all its connections at the end of a turn.

    :param loop: the running event loop
    :param driver: that the readers hand requests to; it hears where a turn begins and ends
    """

    def __cinit__(self, object loop, Driver driver not None):
        self.loop = loop
        self.driver = driver
        # CVE-2024-12254: asyncio's own writelines in these versions never pauses the protocol.
        self.writelines_pauses = not (isinstance(loop, asyncio.BaseEventLoop) and (
            (3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2)))
        self.readers = []
        self.writers = []
        self.callback = self.run

    cdef int add_reader(self, Reader reader) except -1:
        if not reader.is_reader:
            self.schedule()
            self.readers.append(reader)
            reader.is_reader = True
        return 0

    cdef int add_writer(self, Writer writer) except -1:
        if not writer.is_writer:
            self.schedule()
            self.writers.append(writer)
            writer.is_writer = True
        return 0

    cdef int schedule(self) except -1:
        # Deep in somebody's recursion the loop itself may lack a frame. Whoever comes next must find nothing done then.
        if not self.scheduled:
            self.loop.call_soon(self.callback)
            self.scheduled = True
        return 0

    def run(self) -> None:
        """The loop calls it once in a turn that read or wrote anything."""
        try:
            self.driver.begin_turn()
            try:
                self.work_all()
                self.flush_all()
            finally:
                self.driver.end_turn()
        finally:
            self.scheduled = False
            if self.readers or self.writers:
                self.schedule()

    # What is no Exception (an interrupt, while somebody's Python ran) goes up to whoever runs the loop. Should that
    # run on, to end in order, those who had not had their turn will have it.

    cdef int work_all(self) except -1:
        cdef Reader reader
        cdef list readers = self.readers
        cdef Py_ssize_t begun = 0
        self.readers = []
        try:
            for reader in readers:
                begun += 1
                reader.is_reader = False
                try:
                    reader.work()
                except Exception:
                    logger.exception("A connection's bytes could not be worked off; it is dropped")
                    reader.drop()
        except BaseException:
            self.readers = readers[begun:] + self.readers
            raise
        return 0

    cdef int flush_all(self) except -1:
        cdef Writer writer
        cdef list writers = self.writers
        cdef Py_ssize_t begun = 0
        self.writers = []
        try:
            for writer in writers:
                begun += 1
                writer.is_writer = False
                try:
                    writer.flush()
                except Exception:
                    logger.exception("A connection could not be written to; it is dropped")
                    writer.drop()
        except BaseException:
            self.writers = writers[begun:] + self.writers
            raise
        return 0
