"""The same files as Starlette's ``FileResponse``: servers import it as ``files_starlette:app``."""

import importlib

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

files_wsgi = importlib.import_module("files_wsgi")  # beside this file, where servers find both


async def file(request: Request) -> FileResponse:
    """It looks the size up, and reads the file unless the server takes paths."""
    return FileResponse(files_wsgi.file_of(request.url.path))


app = Starlette(routes=[Route(path, file) for path in files_wsgi.SIZES])
