"""A Flask application to see WSGI at work: threads, streams both ways, files, a session.

    fastserve main:app --app-dir examples/flask_app
    fastserve main:app --app-dir examples/flask_app --wsgi-threads 0     # in the event loop's own thread

http://127.0.0.1:8000/ says what to try.
"""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from flask import Flask, Response, jsonify, redirect, request, send_file, session, stream_with_context
from werkzeug.wrappers import Response as BaseResponse

app = Flask(__name__)
# Signs the session's cookie. The default is public: fit for nothing but this example.
app.secret_key = os.environ.get("FLASK_SECRET_KEY", "public, since this is an example")

PAGE = """<!doctype html>
<title>Flask on fastserve</title>
<h1>Flask on fastserve</h1>
<p>Hello {name}. <form method=post action=/login>I am <input name=name> <button>Log in</button></form></p>
<ul>
<li><a href=/hello/you>/hello/you</a> tells which thread answered
<li><a href="/slow?seconds=2">/slow?seconds=2</a> waits in its thread, and nobody else does
<li><a href=/count>/count</a> counts to ten, a line at a time: <code>curl -N</code> shows them come
<li><a href=/source>/source</a> is this file, with ETag and ranges
<li><code>curl -T FILE http://127.0.0.1:8000/digest</code> hashes what you send, while you send it
<li><code>curl -F file=@FILE http://127.0.0.1:8000/upload</code> takes a form with a file
<li><a href=/fail>/fail</a> raises
</ul>
"""


@app.get("/")
def page() -> str:
    return PAGE.format(name=session.get("name", "stranger"))


@app.post("/login")
def login() -> BaseResponse:
    session["name"] = request.form["name"]
    return redirect("/")


@app.get("/hello/<name>")
def hello(name: str) -> Response:
    return jsonify(hello=name, thread=threading.current_thread().name, client=request.remote_addr)


@app.get("/echo/<text>")
def echo(text: str) -> Response:
    return Response(text, mimetype="text/plain")


@app.get("/slow")
def slow() -> Response:
    seconds = request.args.get("seconds", 1.0, type=float)
    time.sleep(min(seconds, 60))
    return jsonify(waited=seconds)


@app.get("/count")
def counting() -> Response:
    def lines() -> Iterator[str]:
        for number in range(10):
            yield f"{number} {request.path}\n"
            time.sleep(request.args.get("pause", 0.2, type=float))

    return Response(stream_with_context(lines()), mimetype="text/plain")


@app.get("/events")
def events() -> Response:
    """Server-sent events without an end: a thread is busy for as long as the client listens."""

    def told() -> Iterator[str]:
        for number in count():
            yield f"id: {number}\ndata: {time.time():.0f}\n\n"
            time.sleep(0.05)

    return Response(told(), mimetype="text/event-stream")


@app.get("/source")
def source() -> Response:
    return send_file(Path(__file__), mimetype="text/x-python", conditional=True)


@app.put("/digest")
def digest() -> Response:
    """Reads the body as it arrives; at no time is much of it in memory."""
    found, size = hashlib.sha256(), 0
    while piece := request.stream.read(65536):
        found.update(piece)
        size += len(piece)
    return jsonify(sha256=found.hexdigest(), bytes=size)


@app.post("/upload")
def upload() -> Response:
    file = request.files["file"]
    found = hashlib.sha256(file.read())
    return jsonify(name=file.filename, sha256=found.hexdigest(), fields=dict(request.form))


@app.get("/fail")
def fail() -> Response:
    raise RuntimeError("This page always fails")
