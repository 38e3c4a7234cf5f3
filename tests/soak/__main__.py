"""`python -m soak SECONDS [PICTURE]`: the figures on stdout; status 1 if anything does not hold."""

from __future__ import annotations

import os
import platform
import random
import sys
from pathlib import Path

from .plot import plot
from .run import soak


def machine() -> str:
    return f"{os.cpu_count()} processors ({platform.machine()}), CPython {platform.python_version()}"


def main() -> None:
    seconds = float(sys.argv[1])
    if len(sys.argv) > 2:
        import matplotlib  # noqa: F401  now, and not when the run is over
    seed = random.randrange(2**32)
    print(f"soak: {seconds:g} s, seed {seed}, {machine()}", flush=True)
    result = soak(seconds, seed)
    print(result.summary())
    if len(sys.argv) > 2:
        plot(result, Path(sys.argv[2]), machine())
    for fault in result.faults():
        print(f"FAULT {fault}")
    sys.exit(1 if result.faults() else 0)


if __name__ == "__main__":
    main()
