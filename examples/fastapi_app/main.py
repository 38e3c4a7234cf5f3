"""What `async def`, `def` and a blocking call do to everyone else: a FastAPI application to try it with.

    fastserve main:app --app-dir examples/fastapi_app

Then open http://127.0.0.1:8000/ and follow the page, or read docs/async-and-blocking.md.

Every answer carries two numbers from one counter, `began` and `ended`. The counter counts what this process
begins and ends, so the numbers of two requests tell whether the server worked on both at the same time
(1, 4 around 2, 3) or on one after the other (1, 2, then 3, 4). No watch is needed.
"""

import asyncio
import html
import itertools
import threading
import time
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

START_PAGE = (Path(__file__).parent / "start.html").read_text(encoding="utf-8")

app = FastAPI(title="fastserve: async def, def, and a blocking call")
events = itertools.count(1)

Seconds = Annotated[float, Query(ge=0, le=60, description="how long to wait")]


class Told(BaseModel):
    """When a request ran, as numbers of one counter, and in which thread."""

    endpoint: str
    thread: str
    began: int
    ended: int


def told(endpoint: str, began: int) -> Told:
    return Told(endpoint=endpoint, thread=threading.current_thread().name, began=began, ended=next(events))


@app.get("/", response_class=HTMLResponse)
async def start_page(request: Request) -> str:
    """What to try. The commands name the address under which the reader came."""
    return START_PAGE.replace("{base}", html.escape(str(request.base_url).rstrip("/")))


@app.get("/hello")
async def hello() -> Told:
    """Waits for nothing: how soon it answers shows how busy the event loop is."""
    return told("hello", next(events))


@app.get("/async")
async def with_async_def(seconds: Seconds = 5) -> Told:
    """`async def` that awaits: the event loop serves others while this one waits."""
    began = next(events)
    await asyncio.sleep(seconds)
    return told("async", began)


@app.get("/thread")
def with_def(seconds: Seconds = 5) -> Told:
    """`def`: FastAPI calls it in a thread of its pool, where it may block."""
    began = next(events)
    time.sleep(seconds)
    return told("thread", began)


@app.get("/blocking")
async def with_a_blocking_call(seconds: Seconds = 5) -> Told:
    """The mistake: a blocking call in `async def` holds the event loop's only thread, and everybody waits."""
    began = next(events)
    time.sleep(seconds)
    return told("blocking", began)


@app.get("/cured")
async def with_to_thread(seconds: Seconds = 5) -> Told:
    """The same blocking call, handed to a thread from inside `async def`."""
    began = next(events)
    await asyncio.to_thread(time.sleep, seconds)
    return told("cured", began)


@app.get("/items/{item_id}")
async def item(
    item_id: int, q: str | None = None, page: Annotated[int, Query(ge=1)] = 1
) -> dict[str, object]:
    """JSON from the path and from the query string."""
    return {"item_id": item_id, "q": q, "page": page}


class Order(BaseModel):
    item: str = Field(min_length=1)
    amount: int = Field(ge=1)
    engraving: str = ""


class Receipt(BaseModel):
    item: str
    amount: int
    letters: int


@app.post("/orders", status_code=201)
async def order(order: Order) -> Receipt:
    """JSON in, checked against a model; JSON out."""
    return Receipt(item=order.item, amount=order.amount, letters=order.amount * len(order.engraving))
