"""What does a program see of a running server's work?

uvicorn's `ServerState`, as far as it is for reading. Nothing is kept for it: each attribute is put together
when somebody asks, from what the connections share anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["ServerState"]


class ServerState:
    """Counts and sets, as they are at the moment of asking; empty before the server listens."""

    def __init__(self, endpoint: Callable[[], Any]) -> None:
        self._endpoint = endpoint

    @property
    def total_requests(self) -> int:
        """How many requests there were, those included that the server answered itself."""
        endpoint = self._endpoint()
        return endpoint.total_requests if endpoint is not None else 0

    @property
    def connections(self) -> set[Any]:
        """The protocols of the open connections. The set is a copy."""
        endpoint = self._endpoint()
        return set(endpoint.peers) if endpoint is not None else set()

    @property
    def tasks(self) -> set[Any]:
        """The tasks of the requests in which the application waits for something. The set is a copy."""
        endpoint = self._endpoint()
        return set(getattr(endpoint.driver, "tasks", ())) if endpoint is not None else set()
