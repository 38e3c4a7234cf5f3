"""Servers as in the application's suite: both event loops, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from asgi.conftest import http, leave_out_what_is_not_asked, loop, serve

__all__ = ["http", "loop", "serve"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_out_what_is_not_asked(config, items, Path(__file__).parent)
