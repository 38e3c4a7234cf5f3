"""How does what a WSGI application says become an answer? (PEP 3333)

A `Call` is one call of the application: it is the start_response that the application is given, and takes
what the application returns, block by block. Where head and blocks go, and in which thread all this runs, is
for its `Outlet`: threaded.py and inline.py have one each. Everything here runs where the application runs.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fastserve.reference.logline import complain
from fastserve.reference.response import checked_field, checked_reason
from fastserve.reference.seam import ClientDisconnected, Request, stems_from_disconnect
from fastserve.request_context import REQUEST_ID
from fastserve.wsgi.file_wrapper import FileWrapper

__all__ = ["Application", "Call", "Fields", "Head", "Outlet"]

#: Of one connection, not of the answer: an application has no business with them (RFC 9110, 7.6.1). Many a
#: gateway copies them from the answer that it got, so they are left out rather than refused. Connection and
#: Transfer-Encoding are the sink's to read: it takes the wish to close.
_HOP_BY_HOP = frozenset(
    b"keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer trailers upgrade".split()
)
_END = object()

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
Fields = list[tuple[bytes, bytes]]
Head = tuple[int, Fields, bytes | None]
"""Status, fields, and the reason phrase where the application gave one."""


class Outlet(ABC):
    """Where an answer goes. `over` says that nobody waits for it any more."""

    over = False

    @abstractmethod
    def give(self, head: Head | None, data: bytes, more: bool) -> None:
        """Hand over a block, with the head if it is the first; `more` says whether others follow."""

    @abstractmethod
    def give_early_hints(self, fields: Fields) -> None: ...

    @abstractmethod
    def give_up(self) -> None:
        """No more will come of this answer."""

    @abstractmethod
    def wait_for_room(self) -> None:
        """Wait until there is room for another block, where one may wait."""


class Call:
    """One call of the application, which is given this object as its start_response."""

    def __init__(self, app: Application, request: Request, outlet: Outlet) -> None:
        self._app = app
        self._request = request
        self._outlet = outlet
        self._head: Head | None = None
        self._head_given = False
        self._length_left: int | None = None  # of the Content-Length that the application gave
        self._complete = False

    # ---- what the application calls ----

    def __call__(self, status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        """start_response()"""
        if exc_info:
            try:
                if self._head_given:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # the traceback holds this frame
        elif self._head is not None:
            raise RuntimeError("start_response() was called before, and this call has no exc_info")
        if self._head_given:
            raise RuntimeError("start_response() after the end of the answer")
        number, reason = _status(status)
        fields, length = _fields(headers)
        self._head = number, fields, reason
        self._length_left = length
        return self.write

    def write(self, data: bytes) -> None:
        """What start_response() returns."""
        if not isinstance(data, bytes):
            raise TypeError(f"write() takes bytes, not {type(data).__name__}")
        if not self._outlet.over and self._complete:
            raise RuntimeError("write() after the end of the answer")
        if data and not self._outlet.over:
            self._give(bytes(data))
            self._outlet.wait_for_room()
        if self._outlet.over:
            raise ClientDisconnected("the client disconnected")

    def early_hints(self, headers: Any) -> None:
        """``wsgi.early_hints``: a 103 with these fields, before the answer (RFC 8297)."""
        if self._head_given:
            raise RuntimeError("early hints come before the answer")
        self._outlet.give_early_hints(_fields(headers)[0])

    # ---- the call ----

    def run(self, environ: dict[str, Any]) -> Iterator[None]:
        """Call the application and hand over what it returns.

        Yields between two blocks: the moment to wait for a client that is slow, or to serve others.
        """
        result: Any = None
        try:
            if not self._outlet.over:
                if self._request.request_id is not None:
                    REQUEST_ID.set(self._request.request_id)  # in the request's own context
                result = self._app(environ, self)
                yield from self._hand_over(result)
        except BaseException as error:  # SystemExit too: an application does not end the server
            try:
                if not self._is_of_disconnect(error):
                    self._complain("Exception in WSGI application", error)
            finally:
                self._outlet.give_up()
        finally:
            self._close(result)

    def _hand_over(self, result: Any) -> Iterator[None]:
        if type(result) in (list, tuple):
            # No code of the application runs between its blocks, so they are one.
            self._give_whole(b"".join([_checked(block) for block in result]))
            return
        is_file = type(result) is FileWrapper
        if is_file:
            self._take_length_of(result)
        is_one = self._length_left is None and hasattr(result, "__len__") and len(result) == 1
        blocks = iter(result)
        if is_one and (block := next(blocks, _END)) is not _END:
            self._give_whole(_checked(block))
        while not self._outlet.over:
            block = next(blocks, _END)
            if block is _END:
                self._end()
                return
            data = _checked(block)
            if not data:
                continue
            self._check_started()
            if is_file and self._length_left is not None:
                data = data[: self._length_left]
            elif self._complete:
                raise RuntimeError("the response body goes on after its end")
            self._give(data)
            if self._has_no_body() or (is_file and self._length_left == 0):
                self._end()
                return
            if self._length_left != 0:
                yield

    def _take_length_of(self, file: FileWrapper) -> None:
        size = file.bytes_left()
        if size is None or self._head is None or self._head_given:
            return
        if self._length_left is None:
            self._length_left = size
            self._head[1].append((b"content-length", b"%d" % size))
        elif not self._has_no_body():
            _check_length(min(0, size - self._length_left))

    def _give_whole(self, data: bytes) -> None:
        """The only block there is."""
        self._check_started()
        if self._head_given:  # by write()
            if data:
                self._give(data)
            self._end()
        else:
            if self._length_left is not None and not self._has_no_body():
                _check_length(len(data) - self._length_left)
            self._pass_on(data, more=False)

    def _give(self, data: bytes) -> None:
        """One block of some."""
        self._check_started()
        if self._length_left is not None and not self._has_no_body():
            _check_length(max(0, len(data) - self._length_left))
            self._length_left -= len(data)
        self._pass_on(data, more=True)

    def _end(self) -> None:
        if not self._complete:
            self._check_started()
            if self._length_left is not None and not self._has_no_body():
                _check_length(-self._length_left)
            self._pass_on(b"", more=False)

    def _pass_on(self, data: bytes, more: bool) -> None:
        head = None if self._head_given else self._head
        self._head_given = True
        self._complete = not more
        self._outlet.give(head, data, more)

    def _check_started(self) -> None:
        if self._head is None:
            raise RuntimeError("the application returned a body before it called start_response()")

    def _has_no_body(self) -> bool:
        """Whether the head is all that the client gets (RFC 9110, 6.4.1)."""
        status = self._head[0] if self._head is not None else 0
        return status in (204, 304) or self._request.method == "HEAD"

    # ---- the end ----

    def _close(self, result: Any) -> None:
        """Whatever happened to it, what the application returned is closed."""
        try:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            if not self._is_of_disconnect(error):
                self._complain("Exception in close() of what a WSGI application returned", error)

    def _complain(self, message: str, error: BaseException) -> None:
        """The program's own filters and handlers may raise. A thread can tell only stderr, and goes on."""
        try:
            complain(self._request, message, exc_info=error)
        except Exception:
            traceback.print_exc()

    def _is_of_disconnect(self, error: BaseException) -> bool:
        """Whether an application has only let pass what the server raised to it about its client."""
        return self._outlet.over and stems_from_disconnect(error)


# ---- what start_response() is told, judged while the application is there to hear of it ----


def _status(text: Any) -> tuple[int, bytes | None]:
    """``"404 Not Found"``: the number, and the phrase if there is one."""
    encoded = _latin_1(text, "status")
    digits, phrase = encoded[:3], encoded[4:]
    if not (len(digits) == 3 and digits.isdigit() and encoded[3:4] in (b"", b" ")):
        raise ValueError(f"the status must be three digits, a space and a phrase, not {text!r}")
    if int(digits) < 200:
        raise ValueError(f"a final status is from 200 to 999, not {text!r}")
    return int(digits), checked_reason(phrase) if phrase else None


def _fields(headers: Any) -> tuple[Fields, int | None]:
    """The fields in bytes, and what Content-Length says. Raises TypeError or ValueError."""
    fields = []
    length = None
    for header in headers:
        if not isinstance(header, (tuple, list)) or len(header) != 2:
            raise TypeError(f"a response header must be a tuple of two strings, not {header!r}")
        name, value = checked_field(
            (_latin_1(header[0], "response header's name"), _latin_1(header[1], "response header's value"))
        )
        lowered = name.lower()
        if lowered in _HOP_BY_HOP:
            continue
        if lowered == b"content-length":
            if not (value.isdigit() and len(value) <= 18):
                raise ValueError(f"invalid Content-Length in the response: {value!r}")
            length = int(value)
        fields.append((name, value))
    return fields, length


def _latin_1(text: Any, what: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"a {what} must be a str, not {type(text).__name__}")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(f"a {what} must be latin-1, not {text!r}") from None


def _checked(block: Any) -> bytes:
    if not isinstance(block, bytes):
        raise TypeError(f"a WSGI application returns blocks of bytes, not of {type(block).__name__}")
    return bytes(block)


def _check_length(excess: int) -> None:
    """Raises for an answer that is longer than its Content-Length by so many bytes, or shorter."""
    if excess > 0:
        raise RuntimeError("the response body is longer than its Content-Length")
    if excess < 0:
        raise RuntimeError(f"the response body is {-excess} bytes shorter than its Content-Length")
