"""Where does what begin and end? Ask llhttp, through cffi.

llhttp reads the bytes and calls back; the functions at the end of this file note the place of what it found.
It pauses behind a head, behind each line and each end of a chunk, and behind a message, so that a place is
always known. What a head says is then read by `rules.judge` from its bytes: with llhttp it only has to agree
about the framing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from fastserve.reference._llhttp import ffi, lib
from fastserve.reference.parser import Data, End, Event, Limits, Meter, Parser
from fastserve.reference.rules import BadMessage, Head, check_trailer_name, judge, status_of_method

__all__ = ["LlhttpParser"]

GO_ON, REFUSED = 0, -1


class LlhttpParser(Parser):
    """A parser that has llhttp find the ends of things."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._http = ffi.new("llhttp_t *")
        lib.llhttp_init(self._http, lib.HTTP_REQUEST, _SETTINGS)
        # Whether the connection goes on is for rules.py to say.
        lib.llhttp_set_lenient_keep_alive(self._http, 1)
        self._handle = ffi.new_handle(self)
        self._http.data = self._handle  # a pointer, which keeps nothing alive
        self._buffer, self._at = b"", 0
        self._events: deque[Event] = deque()
        self._refusal: BadMessage | None = None
        self._begin_message()

    def _begin_message(self) -> None:
        self.paused_behind = ""  # head, line, chunk or message
        self.meter = Meter(self.limits)
        self.place = 0  # of the next byte: in the head; in a chunk's line; in the trailer section
        self.part = "head"  # then line, data or trailer
        self.name_open = False
        self.name = b""
        self.value_end: int | None = None
        self.extension: int | None = None  # its place in a chunk's line
        self.body: list[bytes] = []
        self._raw = bytearray()
        self._begun = False

    def receive(self, data: bytes) -> None:
        self._buffer, self._at = self._buffer[self._at :] + data, 0

    @property
    def unread(self) -> int:
        return len(self._buffer) - self._at

    def take_unread(self) -> bytes:
        unread = self._buffer[self._at :]
        self._buffer, self._at = b"", 0
        return unread

    @property
    def head_begun(self) -> bool:
        return self._begun and not self.in_body

    def next_event(self) -> Event | None:
        if self._refusal is not None and not self._events:
            raise self._refusal
        # Behind a pause within a message, llhttp may have something to tell that needs no byte.
        while not self._events and (self.unread or self.paused_behind):
            try:
                self._execute()
            except BadMessage as refusal:
                refusal.excerpt = bytes(self._raw[:64]) or self._buffer[self._at : self._at + 64]
                self._refusal = refusal
                if not self.body:
                    raise
                self._tell_of_body()  # first, since it came first
        event = self._events.popleft() if self._events else None
        if event is not None:  # what has been told of, not what llhttp has seen
            self.in_body = event.has_body if isinstance(event, Head) else isinstance(event, Data)
        return event

    def _execute(self) -> None:
        """Have llhttp read on, to the end of what there is or to its next pause."""
        buffer = ffi.from_buffer(self._buffer)
        self.start = ffi.cast("const char *", buffer) + self._at
        self.paused_behind = ""
        error = lib.llhttp_execute(self._http, self.start, self.unread)
        size = self.unread if error == lib.HPE_OK else lib.llhttp_get_error_pos(self._http) - self.start
        read, stranger = self._take(size)
        if self.part == "head":
            self._raw += read
            self._begun = self._begun or read.strip(b"\r\n") != b""
        if error == lib.HPE_PAUSED:
            lib.llhttp_resume(self._http)
        elif error != lib.HPE_OK:
            self._refuse(error, read, stranger)
        self.place += size
        self._check_place(size_ended=read.endswith((b"\r", b";")))
        if self.body:
            self._tell_of_body()
        if self.paused_behind:
            self._move_on()

    def _tell_of_body(self) -> None:
        self._events.append(Data(b"".join(self.body)))
        self.body.clear()

    def _take(self, size: int) -> tuple[bytes, bytes]:
        """Return what llhttp has read, and the byte behind that."""
        end = self._at + size
        read, behind = self._buffer[self._at : end], self._buffer[end : end + 1]
        self._at = end
        return read, behind

    def _move_on(self) -> None:
        """To the next part of the message, behind a pause."""
        if self.paused_behind == "message" and self.part != "head":
            self._begin_message()
            self._events.append(End())
        elif self.part == "head":
            head = judge(bytes(self._raw))
            self._compare_framing(head.has_body, head.chunked, head.content_length or 0)
            self._begin_message()
            if head.has_body:
                self.part = "line" if head.chunked else "data"
            self._events.append(head)
        elif self.paused_behind == "chunk":
            self.part, self.place, self.extension = "line", 0, None
        elif self._http.content_length > 0:
            self.part = "data"
        else:  # behind the line of the last chunk
            self.part, self.place, self.meter = "trailer", 0, Meter(self.limits)

    def _compare_framing(self, has_body: bool, chunked: bool, length: int) -> None:
        llhttp_chunked = bool(self._http.flags & lib.F_CHUNKED)
        llhttp_length = 0 if llhttp_chunked or self.paused_behind == "message" else self._http.content_length
        if (has_body, chunked, length) != (self.paused_behind == "head", llhttp_chunked, llhttp_length):
            raise BadMessage(400, "ambiguous message framing")

    # ---- limits, and what is malformed ----

    def _check_place(self, in_target: bool = False, size_ended: bool = False) -> None:
        """Hold what was read of this part to the limits."""
        if self.part == "head":
            self.meter.head(self.place, in_target)
        elif self.part == "trailer":
            self.meter.trailer(self.place)
        elif self.part == "line":
            if self.extension is not None:
                self.meter.chunk_size(self.extension)
                self.meter.chunk_extension(self.place - self.extension)
            else:  # less the line's CRLF, or what ends a size in a line that has not ended
                self.meter.chunk_size(self.place - (2 if self.paused_behind == "line" else size_ended))

    def _refuse(self, error: int, read: bytes, stranger: bytes) -> None:
        """Raises BadMessage: for a limit that was passed before llhttp, or a callback, found a fault.

        llhttp reports a name or a value at its end, or at that of a read, but not when a bad byte cuts it
        short. So what lies before that byte is judged here: no answer may depend on the cuts.
        """
        if self._refusal is not None and self.part == "head":
            raise self._refusal
        if error == lib.HPE_INVALID_HEADER_TOKEN and not self.name_open:
            self.meter.begin_field(self.part)  # the bad byte is its name's first
        self.place += len(read)
        self._check_place(in_target=error == lib.HPE_INVALID_URL)
        if self._refusal is not None:
            raise self._refusal
        status = 400
        if error == lib.HPE_INVALID_METHOD:
            status = status_of_method(stranger)
        elif error == lib.HPE_INVALID_VERSION:
            # 505 is for a version; a line that a bare LF ends, which llhttp reads before that, has none.
            status = 400 if read.endswith(b"\n") and self._http.method != lib.HTTP_PRI else 505
        elif error == lib.HPE_PAUSED_H2_UPGRADE:
            status = 505
        reason = ffi.string(lib.llhttp_get_error_reason(self._http)).decode("ascii")
        raise BadMessage(status, reason or "bad request")

    def refuse_in_callback(self, refusal: BadMessage) -> None:
        self._refusal = refusal

    def place_of(self, at: Any) -> int:
        place: int = self.place + (at - self.start)
        return place


# ---- what llhttp calls ----


def _callback(function: Callable[..., int | None]) -> None:
    """Have llhttp call this function with the parser instead of its own structure.

    No exception crosses C: what a function refuses, the parser raises when llhttp has returned.
    """

    def called(http: Any, *at_and_size: Any) -> int:
        parser: LlhttpParser = ffi.from_handle(http.data)
        try:
            return function(parser, *at_and_size) or GO_ON
        except BadMessage as refusal:
            parser.refuse_in_callback(refusal)
            return REFUSED

    ffi.def_extern(name=f"fs_{function.__name__}", error=REFUSED)(called)


@_callback
def on_url(parser: LlhttpParser, at: Any, size: int) -> None:
    parser.meter.end_target(parser.place_of(at) + size)


@_callback
def on_header_field(parser: LlhttpParser, at: Any, size: int) -> None:
    if not parser.name_open:
        parser.meter.begin_field(parser.part)
        parser.name_open = True
        parser.name = b""
    if parser.part == "trailer":
        parser.name += ffi.buffer(at, size)[:]
    else:
        parser.meter.head(parser.place_of(at) + size)


@_callback
def on_header_field_complete(parser: LlhttpParser) -> None:
    check_trailer_name(parser.name)  # which is empty in a head


@_callback
def on_header_value(parser: LlhttpParser, at: Any, size: int) -> None:
    if parser.part == "trailer" or size == 0:
        return
    place = parser.place_of(at)
    if parser.value_end not in (
        None,
        place,
    ):  # llhttp joins the lines of a folded one, as RFC 9112, 5.2 allows
        raise BadMessage(400, "folded header line")
    parser.value_end = place + size
    parser.meter.head(place + size)


@_callback
def on_header_value_complete(parser: LlhttpParser) -> None:
    parser.name_open = False
    parser.value_end = None


@_callback
def on_headers_complete(parser: LlhttpParser) -> int:
    # A request that asks for an upgrade is framed like any other: its body is a body, and the request behind
    # it a request (RFC 9110, 7.8: the server may ignore Upgrade).
    http = parser._http
    http.upgrade = 0
    if not http.flags & (lib.F_CHUNKED | lib.F_TRANSFER_ENCODING) and http.content_length == 0:
        return GO_ON  # to the end of the message, which is here
    parser.paused_behind = "head"
    paused: int = lib.HPE_PAUSED
    return paused


@_callback
def on_chunk_extension(parser: LlhttpParser, at: Any, size: int) -> None:
    if parser.extension is None:  # its name may be empty
        parser.extension = parser.place_of(at) - 1  # its semicolon


@_callback
def on_chunk_header(parser: LlhttpParser) -> int:
    parser.paused_behind = "line"
    paused: int = lib.HPE_PAUSED
    return paused


@_callback
def on_chunk_complete(parser: LlhttpParser) -> int:
    parser.paused_behind = "chunk"
    paused: int = lib.HPE_PAUSED
    return paused


@_callback
def on_body(parser: LlhttpParser, at: Any, size: int) -> None:
    parser.body.append(ffi.buffer(at, size)[:])


@_callback
def on_message_complete(parser: LlhttpParser) -> int:
    parser.paused_behind = "message"
    paused: int = lib.HPE_PAUSED
    return paused


def _settings() -> Any:
    settings = ffi.new("llhttp_settings_t *")
    lib.llhttp_settings_init(settings)
    for name in (
        "on_url", "on_header_field", "on_header_field_complete", "on_header_value",
        "on_header_value_complete", "on_headers_complete", "on_chunk_header", "on_chunk_complete", "on_body",
        "on_message_complete",
    ):  # fmt: skip
        setattr(settings, name, getattr(lib, f"fs_{name}"))
    settings.on_chunk_extension_name = lib.fs_on_chunk_extension
    settings.on_chunk_extension_value = lib.fs_on_chunk_extension
    return settings


_SETTINGS = _settings()
