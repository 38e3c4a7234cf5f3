"""A WSGI application that returns ``wsgi.file_wrapper``: of 1 MB at ``/small``, of 100 MB at ``/large``.

It stands alone: servers import it as ``files_wsgi:app``.
"""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SIZES = {"/small": 10**6, "/large": 10**8}
FILLING = b"0123456789abcdef" * 62500
"""What the files repeat: as long as the smaller one."""

_directory = tempfile.TemporaryDirectory(prefix="fastserve-bench-")


def content(path: str) -> bytes:
    """What is in the file behind this path."""
    return FILLING * (SIZES[path] // len(FILLING))


def file_of(path: str) -> Path:
    """The file behind this path, made when it is first asked for."""
    file = Path(_directory.name) / path.strip("/")
    if not file.exists():
        file.write_bytes(content(path))
    return file


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Open the file and return it, as a framework does."""
    path = environ["PATH_INFO"]
    start_response(
        "200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(SIZES[path]))]
    )
    wrapper = environ.get("wsgi.file_wrapper")
    file = file_of(path).open("rb")
    if wrapper is None:
        return iter(lambda: file.read(65536), b"")
    answer: Iterable[bytes] = wrapper(file, 65536)
    return answer
