"""Servers as in the application's suite: both event loops, and nothing left behind."""

from __future__ import annotations

from asgi.conftest import loop, serve

__all__ = ["loop", "serve"]
