"""`python -m bench.top_picture FILE.svg`: `fastserve top` while a request blocks one worker of two."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "fastapi_app"
COMMAND = (sys.executable, "-m", "fastserve")
CLIENTS = 4
PAUSE_S = 0.01
ROUNDS = 8
START_TIMEOUT_S = 30.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def ask(port: int, path: str, until: threading.Event | None) -> None:
    """One request, or one after the other until the event."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            connection.request("GET", path)
            connection.getresponse().read()
            if until is None or until.wait(PAUSE_S):
                break
        connection.close()


def wait_for(port: int) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise SystemExit("The server did not start.")


def main(picture: str) -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        control = str(Path(directory) / "control")
        words = ("--port", str(port), "--workers", "2", "--control-socket", control, "--no-access-log",
                 "--timeout-graceful-shutdown", "1")  # fmt: skip
        server = subprocess.Popen([*COMMAND, "main:app", "--app-dir", str(EXAMPLE), *words])
        end = threading.Event()
        loads = [("/hello", end)] * CLIENTS + [("/async?seconds=30", None), ("/blocking?seconds=3", end)]
        threads = [threading.Thread(target=ask, args=(port, *load), daemon=True) for load in loads]
        try:
            wait_for(port)
            for thread in threads:
                thread.start()
            top = [*COMMAND, "top", "--socket", control, "--rounds", str(ROUNDS), "--svg", picture]
            subprocess.run(top, check=True, env={"COLUMNS": "100"})
        finally:
            end.set()
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(sys.argv[1])
