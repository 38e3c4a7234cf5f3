"""examples/chat: rooms over WebSocket, in two browser windows and by a plain client."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .server import Example, Server

EXAMPLE = Example("chat")

websockets = pytest.importorskip("websockets")


def test_two_clients_and_a_late_one(server: Server) -> None:
    """Who is there hears everything, who comes later the history, and the other room nothing."""

    async def talk() -> None:
        def join(room: str, member: str) -> Any:
            url = f"ws://127.0.0.1:{server.port}/rooms/{room}?member={member}"
            return websockets.connect(url, proxy=None)

        async def heard(client: Any) -> dict[str, Any]:
            message: dict[str, Any] = json.loads(await client.recv())
            return message

        async with join("tea", "Ada") as ada, join("coffee", "Cem") as cem:
            assert await heard(ada) == {"kind": "members", "names": ["Ada"]}
            assert await heard(cem) == {"kind": "members", "names": ["Cem"]}
            async with join("tea", "Bob") as bob:
                assert await heard(ada) == await heard(bob) == {"kind": "members", "names": ["Ada", "Bob"]}
                await ada.send("hello, Bob é")
                said = {"kind": "said", "by": "Ada", "text": "hello, Bob é"}
                assert await heard(ada) == await heard(bob) == said
            assert await heard(ada) == {"kind": "members", "names": ["Ada"]}
            async with join("tea", "Dan") as dan:
                assert await heard(dan) == said
            await cem.send("alone")
            assert (await heard(cem))["text"] == "alone"

    asyncio.run(asyncio.wait_for(talk(), 30))


# ---- a browser ----


@pytest.fixture
def browser() -> Iterator[Any]:
    """A headless Chromium, the system's or else the one that Playwright has fetched: see `make browser`."""
    api = pytest.importorskip("playwright.sync_api")
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with api.sync_playwright() as playwright:
        try:
            opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except api.Error as error:
            pytest.fail(f"no Chromium (try: playwright install --only-shell): {str(error).splitlines()[0]}")
        yield opened
        opened.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_two_windows(browser: Any, start: Callable[..., Server]) -> None:
    """They talk; one closes, and the other sees it; the server starts anew, and the page comes back."""
    port = str(free_port())
    server = start("--port", port)
    ada, bob = browser.new_page(), browser.new_page()
    for page, name in ((ada, "Ada"), (bob, "Bob")):
        page.set_default_timeout(20_000)
        page.goto(f"http://127.0.0.1:{port}/?room=tea&member={name}")
        page.wait_for_selector("#state:text('connected')")
    ada.wait_for_selector("#members:text('Ada, Bob')")
    ada.fill("#text", "hello")
    ada.press("#text", "Enter")
    bob.wait_for_selector("#said li:text('hello')")
    bob.fill("#text", "hello yourself")
    bob.press("#text", "Enter")
    ada.wait_for_selector("#said li:text('hello yourself')")
    bob.close()
    ada.wait_for_selector("#members:text-is('Ada')")
    server.stop()
    ada.wait_for_selector("#state:text('disconnected')")
    start("--port", port)
    ada.wait_for_selector("#state:text-is('connected')")
    ada.fill("#text", "here again")
    ada.press("#text", "Enter")
    ada.wait_for_selector("#said li:text('here again')")
