"""What does an application see of a client that is 127.0.0.5? The proxies, as peers, are 127.0.0.1."""

from __future__ import annotations

import http.client
import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

CLIENT = "127.0.0.5"

#: What a client may send to be taken for somebody else.
FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "444",
    "Forwarded": "for=6.6.6.6;proto=https;host=evil.example",
}


async def where(request: Request) -> JSONResponse:
    """What the framework makes of the scope."""
    return JSONResponse(
        {
            "client": request.client.host if request.client else None,
            "url": str(request.url),
            "link": str(request.url_for("where")),
            "path": request.scope["path"],
            "root_path": request.scope["root_path"],
        }
    )


app = Starlette(routes=[Route("/where", where)])


def ask(port: int, path: str = "/where", times: int = 1, **options: Any) -> dict[str, Any]:
    """The application's answer to the last of so many requests, each with the forged headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(CLIENT, 0))
    try:
        for _ in range(times):
            connection.request("GET", path, headers={"Host": "site", **FORGED, **options.get("headers", {})})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, (answer.status, body)
    finally:
        connection.close()
    seen: dict[str, Any] = json.loads(body)
    return seen
