"""What applications ask of a server besides short answers, in plain Starlette.

    fastserve main:app --app-dir examples/starlette_app

Streaming, server-sent events, a BaseHTTPMiddleware around all of it, background tasks, files, uploads, and a
lifespan with state. GET / lists what to try.
"""

import asyncio
import contextlib
import hashlib
import itertools
import logging
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypedDict

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"
HASH_STEP_BYTES = 256 * 1024

log = logging.getLogger("starlette_app")

START_PAGE = """\
Starlette under fastserve. Try:

  curl '{base}/hello/Ada'
  curl -N '{base}/stream?chunks=5&pause_s=0.5'          lines, one by one
  curl -N '{base}/events'                               server-sent events, until you press Ctrl+C
  curl -N '{base}/events?count=3' -H 'Last-Event-ID: 10'
  curl -X POST '{base}/jobs?seconds=3'                  answered at once; the work is done in the background
  curl '{base}/jobs/1'
  curl -OJ '{base}/download'                            a file of 1 MiB; add -r 0-9 for its first ten bytes
  curl -i '{base}/static/poem.txt'                      with an ETag; send it back as If-None-Match
  curl -F note=hi -F file=@some.file '{base}/upload'    size and SHA-256 of what arrived
  curl -T some.file '{base}/raw'                        the same for a body that is no form
  curl '{base}/state'
"""


class State(TypedDict):
    """What the lifespan gives to every request, as `request.state`."""

    jobs: dict[int, str]
    job_numbers: "itertools.count[int]"
    open_streams: set[object]
    download: Path


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[State]:
    """Write the file that /download serves; remove it when the server stops."""
    with tempfile.TemporaryDirectory(prefix="starlette_app-") as directory:
        download = Path(directory) / "bytes.bin"
        download.write_bytes(bytes(range(256)) * 4096)
        state = State(jobs={}, job_numbers=itertools.count(1), open_streams=set(), download=download)
        yield state
    done = sum(job == "done" for job in state["jobs"].values())
    # A warning is printed even where nobody has configured logging.
    log.warning("starlette_app: lifespan over, %d jobs done", done)


class RequestId(BaseHTTPMiddleware):
    """Give each answer the X-Request-ID that its request carried."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["X-Request-ID"] = request.headers.get("X-Request-ID", "none")
        return response


async def start_page(request: Request) -> Response:
    return PlainTextResponse(START_PAGE.replace("{base}", str(request.base_url).rstrip("/")))


async def hello(request: Request) -> Response:
    return PlainTextResponse(f"Hello, {request.path_params['name']}!\n")


async def stream(request: Request) -> Response:
    """`chunks` lines, each sent by itself, `pause_s` seconds apart."""
    chunks = int(request.query_params.get("chunks", "5"))
    pause_s = float(request.query_params.get("pause_s", "0"))

    async def lines() -> AsyncIterator[str]:
        for number in range(chunks):
            yield f"line {number}\n"
            await asyncio.sleep(pause_s)

    return StreamingResponse(lines(), media_type="text/plain")


async def events(request: Request) -> Response:
    """Server-sent events (WHATWG HTML, 9.2): `count` of them, or without end.

    A browser's EventSource reconnects with Last-Event-ID, and the stream goes on behind that event.
    """
    first = int(request.headers.get("Last-Event-ID", "0")) + 1
    count = request.query_params.get("count")
    numbers = range(first, first + int(count)) if count else itertools.count(first)
    open_streams: set[object] = request.state.open_streams

    async def encoded() -> AsyncIterator[str]:
        this = object()
        open_streams.add(this)
        try:
            yield "retry: 1000\n\n"
            for number in numbers:
                yield f"id: {number}\nevent: tick\ndata: tick {number}\ndata: of the clock\n\n"
                await asyncio.sleep(0.02)
        finally:
            # Reached when the events are over, and when the client has gone.
            open_streams.discard(this)

    return StreamingResponse(encoded(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def new_job(request: Request) -> Response:
    """Answer 202 at once; work afterwards, as the response's background task."""
    seconds = float(request.query_params.get("seconds", "0"))
    jobs: dict[int, str] = request.state.jobs
    number = next(request.state.job_numbers)
    jobs[number] = "accepted"

    async def work() -> None:
        await asyncio.sleep(seconds)
        jobs[number] = "done"

    return JSONResponse(
        {"job": number, "state": jobs[number]},
        status_code=202,
        headers={"Location": f"/jobs/{number}"},
        background=BackgroundTask(work),
    )


async def job(request: Request) -> Response:
    number = request.path_params["number"]
    state = request.state.jobs.get(number)
    if state is None:
        return JSONResponse({"error": "no such job"}, status_code=404)
    return JSONResponse({"job": number, "state": state})


async def download(request: Request) -> Response:
    """A file by its path. FileResponse answers ranges and sets ETag and Last-Modified by itself."""
    return FileResponse(request.state.download, filename="bytes.bin", media_type="application/octet-stream")


async def upload(request: Request) -> Response:
    """A multipart form: the fields as they came, and for each file its size and hash."""
    fields: dict[str, str] = {}
    files: list[dict[str, str | int | None]] = []
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                digest = hashlib.sha256()
                while part := await value.read(HASH_STEP_BYTES):
                    digest.update(part)
                told = {"size": value.size, "sha256": digest.hexdigest()}
                files.append({"field": name, "filename": value.filename, **told})
            else:
                fields[name] = value
    return JSONResponse({"fields": fields, "files": files})


async def raw(request: Request) -> Response:
    """A body of any length, hashed as it arrives: it is never in memory as a whole."""
    digest, size = hashlib.sha256(), 0
    async for part in request.stream():
        digest.update(part)
        size += len(part)
    return JSONResponse({"size": size, "sha256": digest.hexdigest()})


async def state(request: Request) -> Response:
    return JSONResponse({"jobs": len(request.state.jobs), "open_streams": len(request.state.open_streams)})


app = Starlette(
    lifespan=lifespan,
    middleware=[Middleware(RequestId)],
    routes=[
        Route("/", start_page),
        Route("/hello/{name}", hello),
        Route("/stream", stream),
        Route("/events", events),
        Route("/jobs", new_job, methods=["POST"]),
        Route("/jobs/{number:int}", job),
        Route("/download", download),
        Route("/upload", upload, methods=["POST"]),
        Route("/raw", raw, methods=["POST", "PUT"]),
        Route("/state", state),
        Mount("/static", StaticFiles(directory=STATIC)),
    ],
)
