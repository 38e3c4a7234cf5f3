"""Which request becomes a WebSocket, and on which terms? (RFC 6455, 4.2; RFC 7692, 7.1)"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import Opcode, RsvBits
from wsproto.utilities import generate_accept_token

from fastserve.reference.seam import MessageDriver, Request, Sink, Stream, Upgrade
from fastserve.reference.websocket import WebSocketSession

__all__ = ["WebSocketUpgrade"]


class _Deflate(PerMessageDeflate):
    """permessage-deflate, which leaves messages as they are that are too short to gain by it."""

    def __init__(self, limits: Any) -> None:
        super().__init__(server_max_window_bits=limits.ws_deflate_window_bits)
        self._bytes_min = limits.ws_deflate_bytes_min

    def frame_outbound(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        if len(data) < self._bytes_min:
            return rsv, data
        return super().frame_outbound(proto, opcode, rsv, data, fin)


class WebSocketUpgrade(Upgrade):
    """Makes WebSockets of requests; `limits` has the attributes of the option group "websocket"."""

    def __init__(self, loop: asyncio.AbstractEventLoop, driver: MessageDriver, limits: Any) -> None:
        self._driver = driver
        self._limits = limits
        timeouts_s = (limits.ws_ping_interval, limits.ws_ping_timeout, limits.ws_close_timeout_s)
        self.timeout_min_s = min(filter(None, timeouts_s), default=0)

    def open(self, request: Request, sink: Sink) -> Stream | None:
        if request.method != "GET":
            return None
        if "websocket" not in [token.lower() for token in _elements(request, b"upgrade")]:
            return None
        if [value for name, value in request.headers if name == b"sec-websocket-version"] != [b"13"]:
            version = (b"sec-websocket-version", b"13")
            _refuse(sink, 426, b"This server speaks version 13 of WebSocket.", [version])
            return None
        keys = [value for name, value in request.headers if name == b"sec-websocket-key"]
        if len(keys) != 1 or not _is_key(keys[0]):
            _refuse(sink, 400, b"The request has no valid Sec-WebSocket-Key.", [])
            return None
        sink.body_wanted()  # if there is one, it has to pass before the answer
        fields = [(b"sec-websocket-accept", generate_accept_token(keys[0]))]
        deflate, answer = self._negotiate(request)
        if deflate is not None:
            fields.append((b"sec-websocket-extensions", answer))
        subprotocols = [*_elements(request, b"sec-websocket-protocol")]
        session = WebSocketSession(self._limits, sink, fields, subprotocols, deflate)
        request.protocol = "websocket"
        stream = self._driver.open_messages(request, sink, session)
        session.stream = stream
        return stream

    def _negotiate(self, request: Request) -> tuple[PerMessageDeflate | None, bytes]:
        """permessage-deflate on the terms of the first offer that wsproto accepts, and the answer to it."""
        if self._limits.ws_per_message_deflate:
            for offer in _elements(request, b"sec-websocket-extensions"):
                if offer.partition(";")[0].strip() == PerMessageDeflate.name:
                    deflate = _Deflate(self._limits)
                    try:
                        answer = deflate.accept(offer)
                    except ValueError:  # a window that is no number
                        continue
                    if isinstance(answer, str):
                        terms = [deflate.name, answer] if answer else [deflate.name]
                        return deflate, "; ".join(terms).encode()
        return None, b""


def _elements(request: Request, name: bytes) -> Iterator[str]:
    """Those of a list, which may be spread over several lines (RFC 9110, 5.6.1)."""
    for field, value in request.headers:
        if field == name:
            yield from filter(None, (element.strip(" \t") for element in value.decode("latin-1").split(",")))


def _is_key(key: bytes) -> bool:
    """Whether it is sixteen bytes in base64 (RFC 6455, 4.1)."""
    try:
        return len(key) == 24 and len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False


def _refuse(sink: Sink, status: int, text: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", b"%d" % len(text))
    sink.send_head(status, [*headers, (b"content-type", b"text/plain; charset=utf-8"), length])
    sink.send_data(text, False)
