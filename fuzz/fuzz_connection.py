"""Feeds a whole connection with random bytes for a while: `python fuzz/fuzz_connection.py SECONDS [SEED]`.

What must hold is told, and judged, in tests/wire/fuzz_connection.py. Inputs that bring about an answer of
a new kind are kept as a base for others, in build/fuzz/found/fuzz_connection. One that breaks an
invariant lies in build/fuzz/broken afterwards, and `python fuzz/fuzz_connection.py FILE` repeats it.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz/corpus"
FOUND = ROOT / "build/fuzz/found/fuzz_connection"
BROKEN = ROOT / "build/fuzz/broken"

sys.path.insert(0, str(ROOT / "tests"))

from wire.fuzz_connection import PROFILES, Fuzzed, Outcome, new_loop  # noqa: E402
from wire.fuzz_inputs import bent  # noqa: E402


def known_inputs() -> list[bytes]:
    """The corpus, what was found before, and the parser's corpus without its two leading bytes."""
    files = [*(CORPUS / "fuzz_connection").iterdir(), *(FOUND.iterdir() if FOUND.exists() else ())]
    parser_inputs = [
        file.read_bytes()[2:] for file in sorted((CORPUS / "fuzz_parser").iterdir()) if file.is_file()
    ]
    return [file.read_bytes() for file in sorted(files)] + parser_inputs


def kept(directory: Path, data: bytes, prefix: str = "") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / (prefix + hashlib.sha1(data).hexdigest())
    file.write_bytes(data)
    return file


def check(fuzzed: Fuzzed, data: bytes, chance: random.Random) -> Outcome:
    try:
        return fuzzed.check(data, chance)
    except BaseException:
        print(f"broken by {kept(BROKEN, data, 'fuzz_connection-')}", file=sys.stderr)
        raise


def fuzz(seconds: float, seed: int) -> None:
    print(f"fuzz_connection: {seconds:g} s, seed {seed}")
    chance = random.Random(seed)
    loop = new_loop()
    fuzzed = [Fuzzed(loop, profile) for profile in PROFILES]
    known = known_inputs()
    kinds = {check(one, data, chance).kind for data in known for one in fuzzed}
    runs, new = 0, 0
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        data = bent(known, chance)
        outcome = check(chance.choice(fuzzed), data, chance)
        runs += 1
        if outcome.kind not in kinds:
            kinds.add(outcome.kind)
            known.append(data)
            kept(FOUND, data)
            new += 1
    for one in fuzzed:
        one.close()
    loop.close()
    print(f"fuzz_connection: {runs} inputs, {new} of a new kind, {len(kinds)} kinds, all invariants held")


def repeat(file: Path) -> None:
    loop = new_loop()
    for profile in PROFILES:
        for seed in range(20):
            Fuzzed(loop, profile).check(file.read_bytes(), random.Random(seed))
    print(f"{file}: all invariants held")


if __name__ == "__main__":
    if Path(sys.argv[1]).is_file():
        repeat(Path(sys.argv[1]))
    else:
        fuzz(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32))
