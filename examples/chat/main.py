"""A chat with rooms, over WebSocket: FastAPI, everything in memory.

`fastserve main:app --app-dir examples/chat`, then open http://127.0.0.1:8000/?room=tea in two windows. Each
room keeps its last messages for those who come later; a page whose connection ends (the server was started
anew, say) comes back by itself. With more than one worker, each would have rooms of its own.
"""

from __future__ import annotations

import contextlib
from collections import deque
from pathlib import Path
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

HISTORY_MESSAGES = 50
NAME_LENGTH_MAX = 40
TEXT_LENGTH_MAX = 2000

app = FastAPI(title="Chat")


class Room:
    """Who is there, and what was said last."""

    def __init__(self) -> None:
        self.members: dict[WebSocket, str] = {}
        self.history: deque[dict[str, Any]] = deque(maxlen=HISTORY_MESSAGES)

    async def tell(self, message: dict[str, Any]) -> None:
        """Send to everybody. Who is gone meanwhile is missed by its own task."""
        for member in list(self.members):
            with contextlib.suppress(OSError, RuntimeError):
                await member.send_json(message)

    async def tell_members(self) -> None:
        await self.tell({"kind": "members", "names": sorted(self.members.values())})


rooms: dict[str, Room] = {}


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(Path(__file__).parent / "page.html")


@app.websocket("/rooms/{name}")
async def chat(websocket: WebSocket, name: str, member: str = "somebody") -> None:
    await websocket.accept()
    room = rooms.setdefault(name, Room())
    room.members[websocket] = member[:NAME_LENGTH_MAX]
    try:
        for said in room.history:
            await websocket.send_json(said)
        await room.tell_members()
        while True:
            text = await websocket.receive_text()
            said = {"kind": "said", "by": room.members[websocket], "text": text[:TEXT_LENGTH_MAX]}
            room.history.append(said)
            await room.tell(said)
    except WebSocketDisconnect:
        pass
    finally:
        del room.members[websocket]
        await room.tell_members()
