"""What happens on a WebSocket? (RFC 6455; frames and compression by wsproto)

A `WebSocketSession` stands between a channel of bytes and a stream of messages. wsproto makes frames of
bytes; what the protocol has for itself (ping, close), the deadlines, the limits, and the order of the end
stand here: a Close is sent once and answered once, and what was sent before it arrives. `enter` is the one
place where its state changes.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable
from typing import Any, cast

from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed, RsvBits

from fastserve.reference.seam import ByteChannel, ByteSession, MessageSession, MessageStream, Sink

__all__ = ["WebSocketSession"]

logger = logging.getLogger("fastserve.error")

#: wsproto is given so many bytes at a time, and asked for frames behind each, which bounds what it inflates.
_PIECE_BYTES = 1024
#: How long a client that has closed waits for an application that is still busy with what it said before.
_END_TIMEOUT_S = 1.0

# RFC 6455, 7.4.1
_NO_STATUS = 1005
_ABNORMAL = 1006
_POLICY_VIOLATION = 1008
_TOO_BIG = 1009
_INTERNAL_ERROR = 1011


class State(enum.IntEnum):
    CONNECTING = 0
    OPEN = 1
    CLOSING = 2  # we have sent a Close; what the client still says is dropped up to its own
    ENDED = 3


class _AnnouncedSize(Extension):
    """No extension, but the place where wsproto tells of a frame's head: is the message too big already?"""

    name = "announced size"

    def __init__(self, may_come: Callable[[int], bool]) -> None:
        self._may_come = may_come

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool | str:
        return False

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        if opcode.iscontrol() or self._may_come(payload_length):
            return RsvBits(False, False, False)
        return CloseReason.MESSAGE_TOO_BIG


def _refuse_ours(headers: list[Any], has_subprotocol: bool) -> None:
    """A second one of what the server says of the WebSocket itself would have clients fail (RFC 6455, 4)."""
    ours = [b"sec-websocket-accept", b"sec-websocket-extensions"]
    if has_subprotocol:
        ours.append(b"sec-websocket-protocol")
    for field in headers:
        name = field[0] if isinstance(field, (tuple, list)) and field else None
        if (
            isinstance(name, bytes) and name.lower() in ours
        ):  # of what is no name, whoever writes it complains
            raise ValueError(f"the server sends the response header {name.lower().decode('ascii')} itself")


class WebSocketSession(ByteSession, MessageSession):
    """One WebSocket. `handshake` answers its request; `fields` are those of the acceptance."""

    def __init__(
        self,
        limits: Any,
        handshake: Sink,
        fields: list[tuple[bytes, bytes]],
        subprotocols: list[str],
        deflate: PerMessageDeflate | None,
    ) -> None:
        self.subprotocols = subprotocols
        self.stream: MessageStream | None = None
        self._limits = limits
        self._handshake = handshake
        self._fields = fields
        extensions: list[Extension] = [_AnnouncedSize(self._may_come)]
        if deflate is not None:
            extensions.append(deflate)
        self._frames = FrameProtocol(client=False, extensions=extensions)
        self._channel: ByteChannel | None = None
        self._unread = bytearray()  # which wsproto was not given yet
        self._has_frames = False  # wsproto may have more of what it was given
        self._at_end = False  # of the client's bytes
        self._paused = False  # the application does not keep up
        # Once the connection is lost, who hears of the end, and of the code that the application has heard
        self._on_ended: Callable[[int], None] | None = None
        self._close_code = 0
        self._stopped = False  # nothing that comes means anything any more
        # The message that is arriving
        self._parts: list[str | bytes] = []
        self._size = 0
        self._size_before = 0  # at the last look
        self._fragments = 0
        # Deadlines on time.monotonic; None for none
        self._ping_at_s: float | None = None
        self._pong_deadline_s: float | None = None
        self._close_deadline_s: float | None = None
        self._end_deadline_s = 0.0
        self._pings = 0
        self._pong_owed: bytes | None = None  # to a client that does not read
        self._ping_sent_s = 0.0
        self._latency_s = 0.0  # of the last pong
        self._opened_at_s = 0.0
        # How it ends, while the application is still busy: code and reason for it, reason for the client
        self._end: tuple[int, str, str, bool] = _ABNORMAL, "", "", False
        self.enter(State.CONNECTING)

    def enter(self, state: State) -> None:
        self._state = state
        if state >= State.CLOSING:
            self.finished = True
            self._parts.clear()
        if state is State.ENDED:
            self._stopped = True

    # ---- what the driver does (seam.MessageSession) ----

    def accept(self, subprotocol: str | None, headers: Any) -> None:
        fields = self._fields[:]
        if subprotocol is not None:
            fields.insert(1, (b"sec-websocket-protocol", subprotocol.encode("latin-1")))
        headers = list(headers)
        _refuse_ours(headers, subprotocol is not None)
        self._handshake.send_upgrade(b"websocket", [*fields, *headers], self)

    def send_message(self, data: Any) -> None:
        if isinstance(data, (bytes, bytearray, memoryview)):
            data = bytes(data)
        elif not isinstance(data, str):
            raise TypeError(f"a message must be str or bytes, not {type(data).__name__}")
        if self._state is State.OPEN:
            self._write(self._frames.send_data(data))

    def close(self, code: int, reason: str) -> None:
        if not (code in (1000, 1001, 1002, 1003) or 1007 <= code <= 1014 or 3000 <= code <= 4999):
            raise ValueError(f"{code} is no close code that may be sent")
        if self._state is not State.OPEN:
            return
        if self.ending:
            self.end_now()
            return
        self._write_close(code, reason)
        self.enter(State.CLOSING)
        if self._limits.ws_close_timeout_s > 0:
            self._close_deadline_s = time.monotonic() + self._limits.ws_close_timeout_s
        self.resume()

    def end_now(self) -> None:
        code, reason, told, more_may_come = self._end
        self.ending = False
        if self._state is State.OPEN:
            self._write_close(code, told)
        self._finish(code, reason, more_may_come)

    def writable(self) -> bool:
        return self._channel is None or self._channel.writable()

    def wait_writable(self) -> asyncio.Future[None]:
        assert self._channel is not None  # asked only where it is not writable
        return self._channel.wait_writable()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            asyncio.get_running_loop().call_soon(self._work)

    # ---- what the tunnel does (seam.ByteSession) ----

    def opened(self, channel: ByteChannel) -> None:
        self._channel = channel
        self.enter(State.OPEN)
        self._opened_at_s = time.monotonic()
        if self._limits.ws_ping_interval:
            self._ping_at_s = self._opened_at_s + self._limits.ws_ping_interval

    def push_bytes(self, data: bytes) -> None:
        if not self._stopped:
            self._unread += data
            self._work()

    def push_end(self) -> None:
        self._at_end = True
        self._work()

    def lost(self, ended: Callable[[int], None]) -> None:
        self._channel = None
        self._on_ended = ended
        self._end_lost()

    def _end_lost(self) -> None:
        if (self._has_frames or self._unread) and self._state is State.OPEN and not self.ending:
            self.disconnected = True  # what was read is the application's all the same; resume() goes on
            return
        code, reason, _, _ = self._end if self.ending else (_ABNORMAL, "", "", False)
        self.ending = False
        self.enter(State.ENDED)
        self._tell_closed(code, reason)
        logger.info("connection closed")
        if self._on_ended is not None:
            self._on_ended(self._close_code)

    def drain(self) -> None:
        """The server ends: the client is told to come again, the application that there is nobody now."""
        if self._state is State.OPEN:
            code = int(self._limits.ws_shutdown_code)
            self.close(code, "")
            self._tell_closed(code, "")  # if it was not told of an earlier end

    def on_sweep(self, now_s: float) -> None:
        if self._state is State.CLOSING:
            self._sweep_closing(now_s)
        elif self._state is not State.OPEN:
            return
        elif self.ending:
            if now_s >= self._end_deadline_s:
                self.end_now()
        else:
            self._sweep_pings(now_s)

    def _sweep_pings(self, now_s: float) -> None:
        if self._pong_owed is not None and self.writable():
            pong, self._pong_owed = self._pong_owed, None
            self._write(self._frames.pong(pong))
        is_arriving, self._size_before = self._size > self._size_before, self._size
        if self._pong_deadline_s is not None:
            # Behind messages that the application has not taken, or behind a large one that arrives, a pong
            # may wait; and so may our ping, behind what a slow client has yet to take.
            if self._paused or not self.writable() or is_arriving:
                self._pong_deadline_s = now_s + self._limits.ws_ping_timeout
            elif now_s >= self._pong_deadline_s:
                self._fault(_INTERNAL_ERROR, "keepalive ping timeout")
        elif not self._paused and self._ping_at_s is not None and now_s >= self._ping_at_s:
            self._ping(now_s)

    def _sweep_closing(self, now_s: float) -> None:
        if self._close_deadline_s is None or now_s < self._close_deadline_s:
            return
        if self.writable():
            self._finish(_ABNORMAL, "", True)
        else:  # it still takes what was sent before the Close
            self._close_deadline_s = now_s + self._limits.ws_close_timeout_s

    def _ping(self, now_s: float) -> None:
        self._pings += 1
        self._ping_sent_s = time.monotonic()
        self._write(self._frames.ping(self._pings.to_bytes(4, "little")))
        self._ping_at_s = now_s + self._limits.ws_ping_interval
        if self._limits.ws_ping_timeout:
            self._pong_deadline_s = now_s + self._limits.ws_ping_timeout

    # ---- frames in ----

    def _work(self) -> None:
        """Frames of what has come, as long as the application keeps up."""
        try:
            self._take_frames()
            while self._unread and not (self._paused or self._stopped):
                piece = bytes(self._unread[:_PIECE_BYTES])
                del self._unread[:_PIECE_BYTES]
                self._frames.receive_bytes(piece)
                self._take_frames()
        except ParseFailed as error:
            self._fault(int(error.code), str(error))
        if self._channel is not None:
            self._channel.pause_reading(self._paused and (self._has_frames or bool(self._unread)))
            if self._at_end and not self._paused:
                self._channel.end_of_input()
        elif self._on_ended is not None and not self._paused and self._state is not State.ENDED:
            self._end_lost()

    def _take_frames(self) -> None:
        if self._paused or self._stopped:
            return
        for frame in self._frames.received_frames():
            self._take(frame)
            if self._paused or self._stopped:
                self._has_frames = True
                return
        self._has_frames = False

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            code, reason = cast(tuple[int, str], frame.payload)
            self._begin_end(int(code), reason, "", more_may_come=False)
        elif frame.opcode is Opcode.PING:
            if self._state is State.OPEN:
                self._answer_ping(cast(bytes, frame.payload))
        elif frame.opcode is Opcode.PONG:
            if self._pong_deadline_s is not None and frame.payload == self._pings.to_bytes(4, "little"):
                self._pong_deadline_s = None
                self._latency_s = time.monotonic() - self._ping_sent_s
        elif self._state is State.OPEN:
            self._take_part(frame)

    def _answer_ping(self, payload: bytes) -> None:
        """A client that does not read is owed one pong, to its last ping (RFC 6455, 5.5.3): it cannot make us
        hold more by sending more."""
        if self.writable():
            self._pong_owed = None
            self._write(self._frames.pong(payload))
        else:
            self._pong_owed = payload

    def _take_part(self, frame: Frame) -> None:
        part = cast("str | bytes", frame.payload)
        self._parts.append(part)
        self._size += len(part.encode() if isinstance(part, str) else part)
        self._fragments += frame.frame_finished
        if self._size > self._limits.ws_max_size:
            self._fault(_TOO_BIG, "message too big")
        elif self._fragments > self._limits.ws_fragments_max:
            self._fault(_POLICY_VIOLATION, "message in too many fragments")
        elif frame.message_finished:
            parts: list[Any] = self._parts
            message = "".join(parts) if isinstance(part, str) else b"".join(parts)
            self._parts, self._size, self._fragments = [], 0, 0
            if self.stream is not None:
                self.stream.push_message(message)

    def _may_come(self, payload_bytes: int) -> bool:
        """Whether the message may grow by so much; compressed or not, it is refused before it has come."""
        return self._state is not State.OPEN or self._size + payload_bytes <= self._limits.ws_max_size

    # ---- the end ----

    def _fault(self, code: int, reason: str) -> None:
        self._begin_end(code, reason, reason, more_may_come=True)

    def _begin_end(self, code: int, reason: str, told: str, more_may_come: bool) -> None:
        """The client has closed, or must be closed. What it said before may still be answered: the end waits
        until the application has received that and asks for more, but not for long."""
        self._stopped = True
        self._unread.clear()
        self._end = code, reason, told, more_may_come
        if self._state is State.OPEN and self.stream is not None and self.stream.is_busy():
            self.ending = True
            self._end_deadline_s = time.monotonic() + _END_TIMEOUT_S
        else:
            self.end_now()

    def _finish(self, code: int, reason: str, more_may_come: bool) -> None:
        self.enter(State.ENDED)
        self._tell_closed(code, reason)
        if self._channel is not None:
            self._channel.close(more_may_come)

    def _tell_closed(self, code: int, reason: str) -> None:
        stream, self.stream = self.stream, None
        self.disconnected = True
        if stream is not None:
            self._close_code = code
            logger.debug(
                "WebSocket closed: %d %r after %.3f s, latency of the last pong %.1f ms",
                code, reason, time.monotonic() - self._opened_at_s, 1000 * self._latency_s,
            )  # fmt: skip
            stream.push_close(code, reason)

    # ---- frames out ----

    def _write_close(self, code: int, reason: str) -> None:
        if code == _NO_STATUS:
            self._write(self._frames.close())
        else:  # wsproto cuts a reason that does not fit
            self._write(self._frames.close(code, reason))

    def _write(self, frame: bytearray) -> None:
        if self._channel is not None:
            self._channel.write(bytes(frame))
