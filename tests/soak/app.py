"""The FastAPI example, and a path that tells what the process holds."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from pathlib import Path
from typing import Any

from fastserve.net.debug import is_debug_build, live_objects

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "fastapi_app"))

from main import app as example


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http" or scope["path"] != "/__soak":
        await example(scope, receive, send)
        return
    gc.collect()
    held = {
        **live_objects(),
        "tasks": len(asyncio.all_tasks()),
        "objects": len(gc.get_objects()),
        "debug": is_debug_build(),
    }
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": json.dumps(held).encode()})
