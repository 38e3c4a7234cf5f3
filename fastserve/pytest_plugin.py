"""What does pytest get of us? The fixture `fastserve_server`.

The entry point `pytest11` names this module: pytest loads it wherever fastserve is installed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fastserve.testing import Served


@pytest.fixture
def fastserve_server() -> Iterator[Callable[..., Served]]:
    """Serves applications for one test: call it as `fastserve.testing.serve`; it returns what that yields."""
    from fastserve.testing import serve  # not imported by the runs that serve nothing

    with contextlib.ExitStack() as stack:

        def start(app: Any, **options: Any) -> Served:
            return stack.enter_context(serve(app, **options))

        yield start
