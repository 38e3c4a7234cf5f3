"""Feeds WebSockets of a server with frames at random: `python fuzz/fuzz_websocket.py SECONDS [SEED]`.

What must come back is told, and judged, in tests/ws/fuzz_session.py. A case that fails is named by its seed.
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
CASES_OF_A_SERVER = 400  # its output is read again for each

sys.path.insert(0, str(TESTS))

from server.process import running  # noqa: E402
from ws.fuzz_session import WORDS, check_compressed, check_frames  # noqa: E402


def fuzz(seconds: float, seed: int) -> None:
    print(f"fuzz_websocket: {seconds:g} s, seed {seed}")
    end_s = time.monotonic() + seconds
    options = ("--port", "0", "--app-dir", str(TESTS / "ws"), *WORDS)
    cases = 0
    while time.monotonic() < end_s:
        with tempfile.TemporaryDirectory() as directory, running(Path(directory), *options) as server:
            for number in itertools.islice(itertools.count(cases), CASES_OF_A_SERVER):
                if time.monotonic() >= end_s:
                    break
                (check_compressed if number % 3 == 0 else check_frames)(server, f"{seed} {number}")
                cases += 1
            assert "could not be worked off" not in server.output
    print(f"fuzz_websocket: {cases} connections, all as the model says")


if __name__ == "__main__":
    fuzz(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32))
