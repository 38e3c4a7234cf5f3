"""How does what a WSGI application says become an answer? (PEP 3333)

A Response is one call of the application: it is the start_response that the application calls, and it takes what the
application returns, block by block. It hands over a head and blocks, and knows nothing of where they go: that, and in
which thread this runs, is for threaded.pyx and inline.pyx. Everything here runs where the application runs.
"""

import logging
import os
import traceback

cimport cython
from cpython.bytes cimport PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport int64_t

from fastserve.csrc.debug cimport FS_DEBUG
from fastserve.net.debug cimport live
from fastserve.stream.file_range cimport FileRange
from fastserve.stream.head cimport Head
from fastserve.stream.sink cimport stems_from_disconnect
from fastserve.stream.stream cimport Stream
from fastserve.wsgi.driver cimport WSGIDriver
from fastserve.wsgi.fields cimport read_head, read_hints

from fastserve.request_context import REQUEST_ID
from fastserve.stream.sink import ClientDisconnected
from fastserve.wsgi.file_wrapper import FileWrapper

cdef extern from "Python.h":
    object PyContext_Copy(object context)
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

logger = logging.getLogger("fastserve.error")

cdef object END = object()

cdef int64_t READ_BYTES_MAX = 65536  # a file up to this is one block: cheaper than to hand it over


cdef class Response(Stream):
    """One request in the application's hands."""

    def __cinit__(self):
        self.length_left = -1
        if FS_DEBUG:
            live.cycles += 1

    def __dealloc__(self):
        if FS_DEBUG:
            live.cycles -= 1

    # ---- what the two kinds of drivers do differently ----

    cdef int give(self, bytes data, bint more) except -1:
        """Hand over a block, with the head if it is the first; `more` says whether others follow."""
        raise NotImplementedError

    cdef bint give_file(self, FileRange file) except -1:
        """Hand over a file, which is the whole answer, with the head. Whether it is sent, or else after `resume`."""
        raise NotImplementedError

    cdef int give_early_hints(self, list fields) except -1:
        raise NotImplementedError

    cdef int give_up(self) except -1:
        """No more will come of this answer."""
        raise NotImplementedError

    cdef bint go_on(self) except -1:
        """After a block: whether the next one is to be made now, or else after `resume`."""
        raise NotImplementedError

    cdef int wait_for_room(self) except -1:
        """After a block that the application wrote: wait until there is room for another one, where that can be."""
        raise NotImplementedError

    cdef int finish(self) except -1:
        """The application has ended."""
        raise NotImplementedError

    # ---- what the application calls ----

    def __call__(self, status, headers, exc_info=None):
        """start_response()."""
        cdef Head head
        if exc_info:
            try:
                if self.head_given:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # the traceback holds this frame
        elif self.head is not None:
            raise RuntimeError("start_response() was called before, and this call has no exc_info")
        if self.head_given:
            raise RuntimeError("start_response() after the end of the answer")
        head = read_head(status, headers)
        self.head = head
        self.length_left = head.length
        return Write.of(self)

    cdef int write(self, object data) except -1:
        if not isinstance(data, bytes):
            raise TypeError(f"write() takes bytes, not {type(data).__name__}")
        if self.over:
            raise ClientDisconnected("the client disconnected")
        if self.complete:
            raise RuntimeError("write() after the end of the answer")
        if len(data) == 0:
            return 0
        self.send(bytes(data))
        self.wait_for_room()
        if self.over:
            raise ClientDisconnected("the client disconnected")
        return 0

    cdef int hint(self, object headers) except -1:
        if self.head_given:
            raise RuntimeError("early hints come before the answer")
        return self.give_early_hints(read_hints(headers))

    # ---- the call ----

    cdef int run(self, WSGIDriver driver, dict environ) except -1:
        """Call the application and hand over what it returns."""
        self.context = PyContext_Copy(driver.context)
        return self.go(driver, environ)

    cdef int resume(self) except -1:
        """Go on where go_on() wanted to stop."""
        return self.go(None, None)

    cdef int go(self, WSGIDriver driver, dict environ) except -1:
        """Run the application, from its beginning where there is a driver, until it ends or is to stop."""
        cdef bint is_done = True
        PyContext_Enter(self.context)
        try:
            try:
                if driver is None:
                    is_done = self.iterate()
                elif not self.over:
                    if self.request.request_id is not None:
                        REQUEST_ID.set(self.request.request_id)
                    is_done = self.call(driver.app, environ)
            except BaseException as error:
                self.fail(error)
            if is_done:
                self.close_result()
        finally:
            PyContext_Exit(self.context)
        if is_done:
            self.context = None  # it may hold anything, for as long as somebody holds us
            self.finish()
        return 0

    cdef bint call(self, object app, dict environ) except -1:
        """Whether that was all."""
        cdef object result = app(environ, self)
        cdef FileRange file
        cdef bint is_one = False
        if type(result) is list or type(result) is tuple:
            # No code of the application runs between its blocks, so they are one.
            if len(result) == 1 and PyBytes_CheckExact(result[0]):
                self.is_last = True
                self.answer_whole(<bytes>result[0])
                return True
            for block in result:
                check_block(block)
            self.is_last = True
            self.answer_whole(b"".join(result))
            return True
        self.result = result
        self.is_file = type(result) is FileWrapper
        if self.is_file:
            file = self.file_of(result)
            if file is not None:
                self.head_given = self.complete = self.file_given = True
                return self.give_file(file) and self.check_file()
        elif self.length_left < 0 and hasattr(result, "__len__"):
            is_one = len(result) == 1
        self.iterator = iter(result)
        if is_one:
            block = next(self.iterator, END)
            if block is not END:
                check_block(block)
                self.answer_whole(bytes(block))
        return self.iterate()

    cdef FileRange file_of(self, object wrapper):
        """What of a file is to be sent and need not be read; None if it is to be. Its length is the answer's."""
        cdef object part = wrapper.part()
        if part is None or self.head is None or self.head_given:
            return None
        descriptor, offset, size = part
        if self.length_left < 0:
            self.length_left = size
            self.head = self.head.with_length(size)
        elif size < self.length_left and not self.has_no_body():
            raise wrong_length(size - self.length_left)
        if self.length_left <= READ_BYTES_MAX or self.has_no_body() or not self.sink.sends_files():
            return None
        return FileRange.of(os.dup(descriptor), offset, self.length_left)

    cdef int check_file(self) except -1:
        """Returns 1, or raises why the file was not sent to its end."""
        cdef object error = self.sink.file_error
        if error is not None:
            raise error
        return 1

    cdef bint iterate(self) except -1:
        """Hand over one block after the other. Whether that was all, and not merely a pause."""
        cdef object iterator = self.iterator
        cdef object block
        if self.file_given:
            return self.check_file()
        while not self.over:
            block = next(iterator, END)
            if block is END:
                self.end_answer()
                return True
            if not PyBytes_CheckExact(block):
                check_block(block)
                block = bytes(block)
            if PyBytes_GET_SIZE(<bytes>block) == 0:
                continue
            self.check_started()
            if self.is_file and 0 <= self.length_left < PyBytes_GET_SIZE(<bytes>block):
                block = (<bytes>block)[:self.length_left]
            elif self.complete:
                raise RuntimeError("the response body goes on after its end")
            self.send(<bytes>block)
            if self.has_no_body() or (self.is_file and self.length_left == 0):
                self.end_answer()
                return True
            if self.length_left != 0 and not self.go_on():
                return False
        return True

    cdef int answer_whole(self, bytes data) except -1:
        """The only block there is."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        self.check_started()
        if self.head_given:  # by write()
            if size > 0:
                self.send(data)
            return self.end_answer()
        if self.length_left >= 0 and self.length_left != size and not self.has_no_body():
            raise wrong_length(size - self.length_left)
        self.head_given = self.complete = True
        return self.give(data, False)

    cdef int send(self, bytes data) except -1:
        """One block of some, not empty."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        self.check_started()
        if self.length_left >= 0 and not self.has_no_body():
            if size > self.length_left:
                raise wrong_length(size - self.length_left)
            self.length_left -= size
        self.head_given = True
        return self.give(data, True)

    cdef int end_answer(self) except -1:
        if self.complete:
            return 0
        self.check_started()
        if self.length_left > 0 and not self.has_no_body():
            raise wrong_length(-self.length_left)
        self.head_given = self.complete = True
        return self.give(b"", False)

    cdef int check_started(self) except -1:
        if self.head is None:
            raise RuntimeError("the application returned a body before it called start_response()")
        return 0

    cdef bint has_no_body(self) except -1:
        """Whether the head is all that the client gets (RFC 9110, 6.4.1)."""
        return self.head.status == 204 or self.head.status == 304 or self.request.method == "HEAD"

    # ---- the end ----

    cdef int fail(self, object error) except -1:
        self.is_last = False
        try:
            if not (self.over and stems_from_disconnect(error, ())):
                self.complain("Exception in WSGI application", exc_info=error)
        finally:
            self.give_up()
        return 0

    cdef int close_result(self) except -1:
        """Whatever happened to it, what the application returned is closed."""
        cdef object result = self.result
        self.result = self.iterator = None
        if result is None:
            return 0
        try:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            if not (self.over and stems_from_disconnect(error, ())):
                self.complain("Exception in close() of what a WSGI application returned", exc_info=error)
        return 0

    def complain(self, message, *values, exc_info=None):
        """A line in the error log that names the route, and the request where it has a name.

        The program's own filters and handlers may raise. A thread has nobody to tell of that but stderr, and goes on.
        """
        cdef Request request = self.request
        path = request.path.encode("unicode_escape").decode("ascii")
        name = "" if request.request_id is None else f", request {request.request_id}"
        try:
            logger.error(message + " (%s %s%s)", *values, request.method, path, name, exc_info=exc_info)
        except Exception:
            traceback.print_exc()


# Every request makes one of each, so they are cheaper than bound methods.

@cython.freelist(16)
cdef class Write:
    """What start_response() returns."""

    @staticmethod
    cdef Write of(Response response):
        cdef Write write = Write.__new__(Write)
        write.response = response
        return write

    def __call__(self, data):
        self.response.write(data)


@cython.freelist(16)
cdef class EarlyHints:
    """``wsgi.early_hints``: sends a 103 with these fields, before the answer (RFC 8297)."""

    @staticmethod
    cdef EarlyHints of(Response response):
        cdef EarlyHints early_hints = EarlyHints.__new__(EarlyHints)
        early_hints.response = response
        return early_hints

    def __call__(self, headers):
        self.response.hint(headers)


cdef int check_block(object block) except -1:
    if not isinstance(block, bytes):
        raise TypeError(f"a WSGI application returns blocks of bytes, not of {type(block).__name__}")
    return 0


cdef object wrong_length(int64_t excess):
    """The exception for an answer that is longer than its Content-Length, or shorter where that is negative."""
    if excess > 0:
        return RuntimeError("the response body is longer than its Content-Length")
    return RuntimeError(f"the response body is {-excess} bytes shorter than its Content-Length")
