from collections.abc import Iterable
from types import TracebackType

from typing_extensions import Self

from fastserve.stream.stream import Stream

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

class Response(Stream):
    """One request in the application's hands. It is its own start_response."""

    def __new__(cls) -> Self: ...
    def __call__(
        self, status: str, headers: Iterable[tuple[str, str]], exc_info: _ExcInfo | None = None
    ) -> Write:
        """PEP 3333's start_response(). Returns write()."""

    def complain(self, message: str, *values: object, exc_info: BaseException | None = None) -> None:
        """A line in the error log that names the route."""

class Write:
    """PEP 3333's write(). Raises OSError where the client is gone."""

    def __call__(self, data: bytes) -> None: ...

class EarlyHints:
    """Sends 103 (Early Hints) with these fields."""

    def __call__(self, headers: Iterable[tuple[str, str]]) -> None: ...
