"""Fixtures: which implementation of HTTP/1 is asked."""

from __future__ import annotations

from typing import Any

import pytest
from wire.servers import HTTP_IMPLEMENTATIONS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--parity` what stands in plain Python is asked once: they differ in what parses."""
    if not config.getoption("--parity"):
        left_out = [item for item in items if _http_of(item) in HTTP_IMPLEMENTATIONS[1:-1]]
        items[:] = [item for item in items if item not in set(left_out)]
        config.hook.pytest_deselected(items=left_out)


def _http_of(item: pytest.Item) -> Any:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("http") if "http" in getattr(item, "fixturenames", ()) and callspec else None


@pytest.fixture(scope="module", params=HTTP_IMPLEMENTATIONS)
def http(request: pytest.FixtureRequest) -> str:
    """The `--http` implementation under test."""
    name: str = request.param
    return name
