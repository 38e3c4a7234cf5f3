"""Feeds a whole connection by what it covers: `python fuzz/fuzz_coverage.py SECONDS DIRECTORY`.

The invariant is that of fuzz_connection.py: nothing crashes; the same bytes whole, byte by byte and cut bring
about the same answers, requests and end; a refused head reaches no application; answers frame; nothing is
left (tests/wire/fuzz_connection.py tells it in full, and judges). There, an input is worth bending further if
it brought about an answer of a new kind; here, if it took a new way through the extension modules and llhttp.
For that `make fuzz` builds them by clang with -fsanitize=address,fuzzer-no-link, and preloads the libFuzzer
that atheris brings.

New inputs are kept in DIRECTORY/found. One that breaks the invariant lies in DIRECTORY/broken, and
`python fuzz/fuzz_connection.py FILE` repeats it.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz/corpus/fuzz_connection"

sys.path.insert(0, str(ROOT / "tests"))

import atheris  # noqa: E402
from wire.fuzz_connection import PROFILES, Fuzzed, new_loop  # noqa: E402


def main(seconds: int, directory: Path) -> None:
    found, broken = directory / "found/fuzz_coverage", directory / "broken"
    for made in (found, broken):
        made.mkdir(parents=True, exist_ok=True)
    loop = new_loop()
    fuzzed = [Fuzzed(loop, profile) for profile in PROFILES]

    def check(data: bytes) -> None:
        chance = random.Random(data)
        chance.choice(fuzzed).check(data, chance)

    arguments = [
        f"-max_total_time={seconds}", "-max_len=2048", "-timeout=20", "-rss_limit_mb=2048", "-verbosity=0",
        "-print_final_stats=1", f"-dict={ROOT / 'fuzz/http.dict'}",
        f"-artifact_prefix={broken}/fuzz_coverage-",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *arguments, str(found), str(CORPUS)], check)
    print(f"fuzz_coverage: {seconds} s", flush=True)
    atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
