"""`python -m bench.lesson_picture FILE.svg`: the latency of /hello while another request waits or blocks.

The server is examples/fastapi_app; what its watchdog says meanwhile is printed.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.top_picture import COMMAND, EXAMPLE, ask, free_port, wait_for

KINDS = ("async", "thread", "blocking", "cured")
PROBE_INTERVAL_S = 0.02
BEFORE_S, HELD_S, AFTER_S = 0.5, 1.0, 0.5
#: Readable on white and on black.
GREY, BLUE, RED = "#808080", "#3b82f6", "#ef4444"


def probed(port: int, kind: str) -> tuple[list[float], list[float]]:
    """When each probe was sent, in seconds, and its latency in milliseconds: sent one by one on a clock.

    A probe that cannot be sent because the one before it has no answer yet is late, and its latency counts
    from when it should have been sent.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/hello")
    connection.getresponse().read()
    words = (port, f"/{kind}?seconds={HELD_S:g}", None)
    other = threading.Timer(BEFORE_S, ask, words)
    sent: list[float] = []
    latencies: list[float] = []
    began_s = time.monotonic()
    other.start()
    while (due_s := len(sent) * PROBE_INTERVAL_S) < BEFORE_S + HELD_S + AFTER_S:
        time.sleep(max(0.0, began_s + due_s - time.monotonic()))
        connection.request("GET", "/hello")
        connection.getresponse().read()
        sent.append(due_s)
        latencies.append((time.monotonic() - began_s - due_s) * 1000)
    other.join()
    connection.close()
    return sent, latencies


def draw(measured: dict[str, tuple[list[float], list[float]]], picture: str) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "fastserve"
    from matplotlib import pyplot

    figure, plots = pyplot.subplots(1, len(measured), figsize=(10, 3), sharey=True)
    for plot, (kind, (sent, latencies)) in zip(plots, measured.items(), strict=True):
        plot.axvspan(BEFORE_S, BEFORE_S + HELD_S, color=GREY, alpha=0.2, linewidth=0)
        plot.plot(sent, latencies, ".", markersize=4, color=RED if kind == "blocking" else BLUE)
        plot.set_title(f"while /{kind} takes {HELD_S:g} s", color=GREY, fontsize=10)
        plot.set_yscale("log")
        plot.yaxis.set_major_formatter("{x:,g}")
        plot.set_xlabel("sent after, s", color=GREY, fontsize=9)
        plot.tick_params(colors=GREY, labelsize=9, which="both")
        plot.patch.set_alpha(0)
        for spine in plot.spines.values():
            spine.set_color(GREY)
    plots[0].set_ylabel("latency of /hello, ms", color=GREY, fontsize=9)
    figure.tight_layout()
    figure.savefig(picture, transparent=True, metadata={"Date": None})


def main(picture: str) -> None:
    port = free_port()
    with tempfile.TemporaryFile("w+") as log:
        words = ("--port", str(port), "--no-access-log", "--blocked-loop-ms", "500")
        server = subprocess.Popen([*COMMAND, "main:app", "--app-dir", str(EXAMPLE), *words], stderr=log)
        try:
            wait_for(port)
            measured = {kind: probed(port, kind) for kind in KINDS}
        finally:
            server.terminate()
            server.wait()
        log.seek(0)
        print("".join(line for line in log if "held the event loop" in line), end="")
    for kind, (_, latencies) in measured.items():
        print(
            f"/{kind}: median {sorted(latencies)[len(latencies) // 2]:.1f} ms, most {max(latencies):,.0f} ms"
        )
    draw(measured, picture)


if __name__ == "__main__":
    main(str(Path(sys.argv[1])))
