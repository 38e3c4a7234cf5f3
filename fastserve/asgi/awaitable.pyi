import asyncio
from types import TracebackType
from typing import Any

class Awaitable:
    """An awaitable that polls, and waits for a future in between. It has a coroutine's methods."""

    def __await__(self) -> Awaitable: ...
    def __iter__(self) -> Awaitable: ...
    def __next__(self) -> asyncio.Future[Any]: ...
    def send(self, value: Any) -> asyncio.Future[Any]: ...
    def throw(
        self,
        kind: BaseException | type[BaseException],
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> Any: ...
    def close(self) -> None: ...

class Ready(Awaitable):
    """The awaitable of what is done already. It has no state: one serves everybody."""
