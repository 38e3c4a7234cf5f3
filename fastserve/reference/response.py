"""How is an answer framed on an HTTP/1 connection? (RFC 9112, 6 and 7; RFC 9110, 6.4, 8.6, 9.3.2, 15)

One `ResponseSink` answers one request. It checks the head when the application sends it and writes it with
the first data, so that an answer which is whole at that moment gets a Content-Length. What comes in parts
without a length is chunked, or, for HTTP/1.0, ends with the connection.
"""

from __future__ import annotations

import asyncio
import enum
import operator
import re
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol

from fastserve.reference.seam import ByteSession, Sink

__all__ = ["AnswerState", "Channel", "ResponseSink", "checked_field", "checked_reason", "reason_phrase"]

#: IANA's phrases; Python's are those of the RFCs that were current when it was released.
_REASONS = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    418: "I'm a Teapot",
    422: "Unprocessable Content",
    499: "Client Closed Request",  # never sent: nginx's name in a log for an answer nobody waited for
}
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


def reason_phrase(status: int) -> str:
    """The registered phrase, or nothing."""
    return _REASONS.get(status, "")


class AnswerState(enum.Enum):
    """Where an answer is."""

    BEFORE_HEAD = enum.auto()  # no final status yet; informational answers may go out
    HEAD_HELD = enum.auto()  # the head is checked, and waits for the first data
    IN_BODY = enum.auto()
    COMPLETE = enum.auto()
    GIVEN_UP = enum.auto()  # aborted, or the client is gone


class Channel(Protocol):
    """A connection as its sinks see it."""

    writing_paused: bool

    @property
    def last_answers(self) -> bool:
        """Whether each answer is now the last of its connection."""

    @property
    def times_first_byte(self) -> bool:
        """Whether sinks note when their answer begins."""

    def default_fields(self, own: set[bytes]) -> bytes:
        """The lines that stand in every answer, but for those whose (lower-case) names are in `own`."""

    def write(self, data: bytes) -> None: ...

    def wait_writable(self) -> asyncio.Future[None]: ...

    def on_answered(self, sink: ResponseSink) -> None:
        """The last byte of the answer is written."""

    def on_upgraded(self, sink: ResponseSink, session: ByteSession) -> None:
        """101 is written: the connection is the session's."""

    def on_gave_up(self, sink: ResponseSink) -> None:
        """The answer cannot be completed; the connection must end without looking complete."""

    def on_body_paused(self, paused: bool) -> None: ...


class ResponseSink(Sink):
    """The answer to one HTTP/1 request.

    `keep_alive` is what the request allows, then what the answer says; `owes_continue` means that the client
    waits for 100 (Continue).
    """

    def __init__(
        self, channel: Channel, is_head: bool, is_1_0: bool, keep_alive: bool, owes_continue: bool
    ) -> None:
        self.channel = channel
        self.state = AnswerState.BEFORE_HEAD
        self.is_head = is_head
        self.is_1_0 = is_1_0
        self.keep_alive = keep_alive
        self.owes_continue = owes_continue
        self.chunked = False
        self.length: int | None = None  # the Content-Length that the application gave
        self._head = b""
        self._no_body = False

    def enter(self, state: AnswerState) -> None:
        self.state = state
        self.finished = state in (AnswerState.COMPLETE, AnswerState.GIVEN_UP)

    def head_sent(self) -> bool:
        return self.state not in (AnswerState.BEFORE_HEAD, AnswerState.HEAD_HELD)

    def writable(self) -> bool:
        return not self.channel.writing_paused

    def wait_writable(self) -> asyncio.Future[None]:
        return self.channel.wait_writable()

    def body_wanted(self) -> None:
        if self.owes_continue:
            self.owes_continue = False
            if not self.head_sent():
                self.channel.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def pause_body(self) -> None:
        self.channel.on_body_paused(True)

    def resume_body(self) -> None:
        self.channel.on_body_paused(False)

    def ends_with_connection(self) -> bool:
        """Whether nothing else tells where the answer that has begun ends."""
        return self.head_sent() and self.length is None and not self.chunked and not self._no_body

    def client_gone(self) -> None:
        """From the connection: nothing that is sent from now on arrives."""
        self.disconnected = True
        if not self.finished:
            self.status = 499
            self.enter(AnswerState.GIVEN_UP)

    def abort(self) -> None:
        if not self.finished:
            self.enter(AnswerState.GIVEN_UP)
            self.channel.on_gave_up(self)

    # ---- the head ----

    def send_head(self, status: int, headers: Iterable[Any], reason: bytes | None = None) -> None:
        if self.state is not AnswerState.BEFORE_HEAD:
            raise RuntimeError("the response head was sent already")
        status = operator.index(status)
        if not 200 <= status <= 999:
            raise ValueError(f"a final status is from 200 to 999, not {status}")
        self.length = None
        lines, own = self._lines(status, headers)
        self.status = status
        self._head = _status_line(status, reason) + lines + self.channel.default_fields(own)
        self._no_body = self.is_head or status in (204, 304)
        self.enter(AnswerState.HEAD_HELD)

    def send_informational(self, status: int, headers: Iterable[Any]) -> None:
        if self.state is not AnswerState.BEFORE_HEAD:
            raise RuntimeError("an informational response comes before the response head")
        if not self.is_1_0:  # RFC 9110, 15.2: a 1.0 client knows none
            self.channel.write(_status_line(status) + self._lines(status, headers)[0] + b"\r\n")

    def send_upgrade(self, protocol: bytes, headers: Iterable[Any], session: ByteSession) -> None:
        lines, own = self._lines(101, headers)
        if self.state is not AnswerState.BEFORE_HEAD:
            raise RuntimeError("the response head was sent already")
        self.status = 101
        upgrade = b"upgrade: " + protocol + b"\r\nconnection: Upgrade\r\n"
        self.channel.write(_status_line(101) + lines + upgrade + self.channel.default_fields(own) + b"\r\n")
        self.enter(AnswerState.COMPLETE)
        self.channel.on_upgraded(self, session)

    def send_error(self, status: int) -> None:
        self.enter(AnswerState.BEFORE_HEAD)  # a head that was held is dropped
        self.bytes_sent = 0
        self.keep_alive = False
        text = reason_phrase(status).encode()
        length = str(len(text)).encode()
        self.send_head(status, [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", length)])
        self.send_data(text, False)

    def _lines(self, status: int, headers: Iterable[Any]) -> tuple[bytes, set[bytes]]:
        """Check the application's fields; return their lines, and the names of those that stand there."""
        lines, own = [], set()
        for field in headers:
            name, value = checked_field(field)
            lowered = name.lower()
            if self._is_written(status, lowered, value):
                lines.append(name + b": " + value + b"\r\n")
                own.add(lowered)
        return b"".join(lines), own

    def _is_written(self, status: int, name: bytes, value: bytes) -> bool:
        """Whether a field goes out as it is, and not into the framing."""
        if name == b"content-length":
            if not re.fullmatch(rb"[0-9]{1,18}", value):
                raise ValueError(f"invalid Content-Length in the response: {value!r}")
            if status < 200:
                return False
            if self.length is not None and self.length != int(value):
                raise ValueError("two different Content-Length fields in the response")
            first, self.length = self.length is None, int(value)
            return first and status != 204  # RFC 9110, 8.6
        if name == b"connection":  # ours to write; of the application it takes the wish to close
            if b"close" in (token.strip().lower() for token in value.split(b",")):
                self.keep_alive = False
            return False
        if name == b"transfer-encoding":
            if value.lower() != b"chunked":
                raise ValueError(
                    f"the server frames the response: Transfer-Encoding {value!r} cannot be sent"
                )
            return False
        return True

    def _framing(self, size: int, more: bool) -> bytes:
        """The lines that tell where the body ends and whether the connection goes on."""
        framing = b""
        if self.owes_continue:
            self.keep_alive = False  # whether the body still comes is the client's choice (RFC 9110, 10.1.1)
        if self.length is None and (not self._no_body or self._tells_length(size, more)):
            if not more:
                framing = b"content-length: %d\r\n" % size
            elif self.is_1_0:
                self.keep_alive = False
            else:
                self.chunked = True
                framing = b"transfer-encoding: chunked\r\n"
        if self.channel.last_answers:
            self.keep_alive = False
        if not self.keep_alive:
            framing += b"connection: close\r\n"
        elif self.is_1_0:
            framing += b"connection: keep-alive\r\n"
        return framing + b"\r\n"

    def _tells_length(self, size: int, more: bool) -> bool:
        """Whether an answer without a body has the Content-Length of the one that a GET would get: to HEAD,
        if that has one (RFC 9110, 8.6). A 204 never has, and what a 304's would be is not known."""
        return self.is_head and not more and size > 0 and self.status not in (204, 304)

    # ---- the body ----

    def send_data(self, data: Any, more: bool) -> None:
        data = _as_bytes(data, "body")
        if self.state is AnswerState.BEFORE_HEAD:
            raise RuntimeError("data before the response head")
        if self.finished:
            return
        self._account(len(data), more)
        piece = b""
        if self.state is AnswerState.HEAD_HELD:
            piece = self._head + self._framing(len(data), more)
            self.enter(AnswerState.IN_BODY)
            if self.channel.times_first_byte:
                self.first_byte_s = time.monotonic()
        if not self._no_body:
            piece += self._framed(data, more)
        if piece:
            self.channel.write(piece)
        if not more and not self.finished:  # a write may find out that the client is gone
            self.enter(AnswerState.COMPLETE)
            self.channel.on_answered(self)

    def begin_file(self, size: int) -> int:
        if self.finished:
            return 0
        if self.state is not AnswerState.HEAD_HELD:
            raise RuntimeError("a file is the whole body of an answer, behind its head")
        if self.length is None and (not self._no_body or self._tells_length(size, more=False)):
            self.length = size
            self._head += b"content-length: %d\r\n" % size
        if self._no_body or self.length is None:
            return 0
        if size < self.length:
            self._account(size, more=False)
        return self.length

    def _account(self, size: int, more: bool) -> None:
        """Hold the application to its Content-Length: a client that is told one length and gets another would
        take the rest of this answer for the next one (RFC 9112, 6.3)."""
        if self._no_body:
            return
        if self.length is not None:
            left = self.length - self.bytes_sent
            if size > left:
                raise RuntimeError("the response body is longer than its Content-Length")
            if not more and size < left:
                raise RuntimeError(
                    f"the response body is {left - size} bytes shorter than its Content-Length"
                )
        self.bytes_sent += size

    def _framed(self, data: bytes, more: bool) -> bytes:
        if not self.chunked:
            return data
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return chunk if more else chunk + b"0\r\n\r\n"


def _status_line(status: int, reason: bytes | None = None) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, reason_phrase(status).encode() if reason is None else reason)


def checked_reason(reason: bytes) -> bytes:
    """A reason phrase that is safe to send (RFC 9112, 4)."""
    if not _VALUE.fullmatch(reason):
        raise ValueError(f"a control character in the status {reason!r}")
    return reason


def checked_field(field: Any) -> tuple[bytes, bytes]:
    """Name and value of a field that is safe to send (RFC 9110, 5.1 and 5.5): no value starts a line."""
    if not isinstance(field, (tuple, list)) or len(field) != 2:
        raise TypeError(f"a response header must be a pair of bytes, not {field!r}")
    name, value = _as_bytes(field[0], "header name"), _as_bytes(field[1], "header value")
    if not _NAME.fullmatch(name):
        raise ValueError(f"invalid response header name: {name!r}")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"invalid value of the response header {name!r}: {value!r}")
    return name, value.strip(b" \t")


def _as_bytes(value: Any, what: str) -> bytes:
    """What an application may hand over besides bytes, copied, since it may change it later."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"a response {what} must be bytes, not {type(value).__name__}")
    return bytes(value)
