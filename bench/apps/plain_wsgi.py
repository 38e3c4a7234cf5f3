"""The application that WSGI servers serve: as little as `bench.app`, and one path that waits.

It stands alone: servers import it as ``wsgi_app:app``.
"""

import time
from collections.abc import Callable
from typing import Any

HELLO = b"Hello, world!"
SLOW_S = 0.02
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(HELLO)))]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer at once, except for ``/slow``: as an application that waits for a database."""
    if environ["PATH_INFO"] == "/slow":
        time.sleep(SLOW_S)
    start_response("200 OK", HEADERS[:])
    return [HELLO]
