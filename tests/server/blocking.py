"""An application that holds the event loop, in one way for each path."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from typing import Any

from application import answer, lifespan, say

#: Unlike CDLL's, its functions keep the interpreter's lock.
C = ctypes.PyDLL(None)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    else:
        await PATHS[scope["path"]](scope)
        await answer(send, "done")


def doze() -> None:
    say("dozes")
    time.sleep(0.4)


async def sleeping(scope: Any) -> None:
    doze()


async def computing(scope: Any) -> None:
    end_s = time.thread_time() + 0.4
    while time.thread_time() < end_s:
        pass


async def keeping_the_lock(scope: Any) -> None:
    C.usleep(1_000_000)


async def in_a_task(scope: Any) -> None:
    async def job() -> None:
        doze()

    await asyncio.create_task(job(), name="nightly")


async def in_a_task_of_the_request(scope: Any) -> None:
    async def call_next(scope: Any) -> None:
        doze()

    await asyncio.create_task(call_next(scope))


async def waiting_for_the_test(scope: Any) -> None:
    say("held")
    with open("let-go") as file:  # a named pipe
        file.read()


async def leaving_a_child(scope: Any) -> None:
    server = os.getpid()
    if os.fork() == 0:
        while os.getppid() == server:
            time.sleep(0.02)
        os._exit(0)


async def hello(scope: Any) -> None:
    pass


PATHS = {
    "/": hello,
    "/sleeping": sleeping,
    "/computing": computing,
    "/keeping-the-lock": keeping_the_lock,
    "/in-a-task": in_a_task,
    "/in-a-task-of-the-request": in_a_task_of_the_request,
    "/waiting": waiting_for_the_test,
    "/leaving-a-child": leaving_a_child,
}


def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    doze()
    start_response("200 OK", [])
    return [b"done"]
