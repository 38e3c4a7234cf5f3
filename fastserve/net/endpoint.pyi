import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

from fastserve.net.turn import Reader
from fastserve.stream.filter import RequestFilter
from fastserve.stream.messages import Upgrade
from fastserve.stream.sink import Observer
from fastserve.stream.stream import Driver

class _Limits(Protocol):
    """The options that an endpoint and its connections read, of a `fastserve.Config` or the like."""

    @property
    def request_line_bytes_max(self) -> int: ...
    @property
    def header_bytes_max(self) -> int: ...
    @property
    def header_count_max(self) -> int: ...
    @property
    def chunk_extension_bytes_max(self) -> int: ...
    @property
    def body_bytes_max(self) -> int: ...
    @property
    def discard_bytes_max(self) -> int: ...
    @property
    def pipelined_requests_max(self) -> int: ...
    @property
    def write_buffer_bytes_max(self) -> int: ...
    @property
    def timeout_keep_alive(self) -> float: ...
    @property
    def head_timeout_s(self) -> float: ...
    @property
    def body_timeout_s(self) -> float: ...
    @property
    def body_rate_min_bytes_s(self) -> float: ...
    @property
    def write_timeout_s(self) -> float: ...
    @property
    def half_close_timeout_s(self) -> float: ...
    @property
    def linger_timeout_s(self) -> float: ...
    @property
    def limit_concurrency(self) -> int | None: ...
    @property
    def server_header(self) -> bool: ...
    @property
    def date_header(self) -> bool: ...

class Peer(Reader):
    """A connection, as its endpoint sees it."""

    @property
    def transport(self) -> asyncio.Transport | None: ...

class Endpoint:
    """What the connections of one server share."""

    total_requests: int
    timed: bool
    times_first_byte: bool
    tally: Any
    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def driver(self) -> Driver: ...
    @property
    def observers(self) -> list[Observer]: ...
    @property
    def request_filter(self) -> RequestFilter | None: ...
    @property
    def upgrade(self) -> Upgrade | None: ...
    @property
    def limits(self) -> _Limits: ...
    @property
    def last_answers(self) -> bool: ...
    @property
    def draining(self) -> bool: ...
    @property
    def refusals(self) -> dict[str, int]:
        """How many requests, and what was none, were turned away for which reason."""

    @property
    def stuck_clients(self) -> int:
        """Connections that were dropped because their client took nothing for `write_timeout_s`."""

    @property
    def upgraded(self) -> int:
        """Connections that have become something else, such as a WebSocket."""

    @property
    def tunnels(self) -> int:
        """Those of them that are open."""

    @property
    def peers(self) -> set[Peer]: ...
    @property
    def connections(self) -> int:
        """Open connections, those included that are closing."""

    @property
    def requests_in_flight(self) -> int:
        """Requests whose application has not returned."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: _Limits,
        driver: Driver,
        default_headers: Iterable[tuple[bytes, bytes]] = (),
        observers: Iterable[Observer] = (),
        request_filter: RequestFilter | None = None,
        upgrade: Upgrade | None = None,
    ) -> None: ...
    def sweep(self) -> None:
        """Compares every connection's deadline with the clock. The loop's timer calls it."""

    def announce_end(self) -> None:
        """Every answer from now on is the last of its connection, and says so."""

    def drain(self, spare_newcomers: bool = False) -> None:
        """Idle connections close at once, the others after the request in flight.

        Those that have had no request yet may be spared until the next call: their first one is on its way.
        """

    async def wait_closed(self) -> None:
        """Returns when there is no connection any more and no request in flight."""

    def cancel_requests(self) -> int:
        """Cancels the requests in flight; returns how many there were."""

    def abort(self) -> None:
        """Drops every connection, whatever it is doing."""

    def log_refused(self, message: str, peername: object, reason: str) -> None:
        """One line for the log about a peer that got no further than here; rate-limited like bad requests.

        `message` has a `%s` for the peer and one for the reason.
        """

    def close(self) -> None:
        """Stops the timer. For use when the last connection is gone, or will not be waited for."""
