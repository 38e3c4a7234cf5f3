from collections.abc import Callable, Iterable
from types import TracebackType

from typing_extensions import Self

from fastserve.stream.stream import Stream

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

class Response(Stream):
    """One request in the application's hands. It is its own start_response."""

    def __new__(cls) -> Self: ...
    def __call__(
        self, status: str, headers: Iterable[tuple[str, str]], exc_info: _ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """PEP 3333's start_response(). Returns write()."""

    def write(self, data: bytes) -> None:
        """PEP 3333's write(). Raises OSError where the client is gone."""

    def early_hints(self, headers: Iterable[tuple[str, str]]) -> None:
        """Send 103 (Early Hints) with these fields."""

    def complain(self, message: str, *values: object, exc_info: BaseException | None = None) -> None:
        """A line in the error log that names the route."""
