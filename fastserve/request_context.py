"""Which request is this code working for?

A context variable holds the name of the request whose code runs (`--request-id`): in its coroutine, in the
tasks that it starts and in the threads that it awaits.
"""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["REQUEST_ID"]

REQUEST_ID: ContextVar[str | None] = ContextVar("fastserve_request_id", default=None)
