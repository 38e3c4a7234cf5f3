"""Starlette's smallest application: servers import it as ``starlette_app:app``."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(request: Request) -> PlainTextResponse:
    """13 bytes, as all the others."""
    return PlainTextResponse("Hello, world!")


app = Starlette(routes=[Route("/", hello)])
