"""What does permessage-deflate cost, and what does it save? ``python -m bench.deflate``

The tables by which the defaults of `ws_deflate_window_bits`, `ws_deflate_memory_level` and
`ws_deflate_bytes_min` were chosen: for each setting, the memory that both directions of one connection hold,
the share of the bytes that is left on the wire, and the time. Messages are sentences of Python's own help in
JSON, as of a chat, and records of numbers, as of a feed. Each connection's context is kept from message to
message, and every connection that is weighed has been through many of them.
"""

import argparse
import json
import os
import platform
import random
import re
import time
import zlib
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pydoc_data.topics import topics

from fastserve.measure import kernel
from fastserve.options import BY_NAME

SETTINGS = ((9, 1), (9, 5), (10, 4), (11, 4), (12, 4), (12, 5), (13, 5), (14, 6), (15, 8))
SIZES = (64, 128, 256, 512, 1024, 4096)
SEED = 7692
MESSAGES = 200
CONTEXTS = 200
TIMED = 20
TAIL_BYTES = 4

Contexts = list[tuple["zlib._Compress", "zlib._Decompress"]]


def sentences() -> list[str]:
    """English as people write it, there wherever Python is: what `help()` knows of the language."""
    words = " ".join(" ".join(topics[name].split()) for name in sorted(topics))
    return sorted({part for part in re.split(r"(?<=[.:]) ", words) if 20 < len(part) < 300})


def chat(chance: random.Random, text: list[str]) -> str:
    """What one member of a chat says."""
    said = " ".join(chance.sample(text, chance.choice((1, 2, 4))))
    return json.dumps({"kind": "said", "by": chance.choice(("Ada", "Bob", "Cem", "Dan")), "text": said})


def feed(chance: random.Random, text: list[str]) -> str:
    """One update of a dashboard."""
    rows = [
        {"id": chance.randrange(10**6), "name": f"sensor-{number}", "value": round(chance.gauss(20, 5), 3)}
        for number in range(chance.choice((4, 8, 16)))
    ]
    return json.dumps({"kind": "update", "at": 1_700_000_000 + chance.random() * 10**6, "rows": rows})


def messages(kind: str) -> list[bytes]:
    """The same in every run."""
    chance, text = random.Random(SEED), sentences()
    return [{"chat": chat, "feed": feed}[kind](chance, text).encode() for _ in range(MESSAGES)]


def contexts(bits: int, level: int, count: int) -> Contexts:
    """Both directions of so many connections, as `fastserve.ws.deflate` makes them."""
    return [
        (zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -bits, level), zlib.decompressobj(-bits))
        for _ in range(count)
    ]


def exchange(context: tuple["zlib._Compress", "zlib._Decompress"], message: bytes) -> int:
    """A message out, and the same one in; its bytes on the wire, without the frame's head."""
    out, back = context
    sent = out.compress(message) + out.flush(zlib.Z_SYNC_FLUSH)
    assert back.decompress(sent) == message
    return len(sent) - TAIL_BYTES


def hold(bits: int, level: int, kinds: tuple[str, ...], answer: Connection) -> None:
    """In a process of its own: the memory of one connection, in KB of 1,000 bytes."""
    said = [message for kind in kinds for message in messages(kind)[:TIMED]]
    exchange(contexts(bits, level, 1)[0], said[0])
    before = kernel.private_memory(os.getpid())
    held = contexts(bits, level, CONTEXTS)
    for context in held:
        for message in said:
            exchange(context, message)
    answer.send((kernel.private_memory(os.getpid()) - before) / CONTEXTS / 1000)


def memory_kb(bits: int, level: int, kinds: tuple[str, ...]) -> float:
    """Of a fresh process, so that nothing that was freed before is used again."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=hold, args=(bits, level, kinds, there))
    process.start()
    there.close()
    kilobytes: float = here.recv()
    process.join()
    return kilobytes


def compressed(bits: int, level: int, said: list[bytes]) -> tuple[float, float]:
    """The share of the bytes that is left, and µs for one message out (the best of several runs)."""
    best = float("inf")
    for _ in range(TIMED):
        out, _back = contexts(bits, level, 1)[0]
        begun = time.perf_counter()
        sent = sum(len(out.compress(message) + out.flush(zlib.Z_SYNC_FLUSH)) - TAIL_BYTES for message in said)
        best = min(best, time.perf_counter() - begun)
    return sent / sum(map(len, said)), best / len(said) * 1e6


def default(name: str) -> int:
    """Of the option."""
    value = BY_NAME[name].default
    assert isinstance(value, int)
    return value


def settings() -> Iterator[str]:
    """The first table: window and memory."""
    kinds = ("chat", "feed")
    said = {kind: messages(kind) for kind in kinds}
    yield "| window bits | memory level | KB per connection | chat: left | µs | feed: left | µs |"
    yield "|---|---|---|---|---|---|---|"
    for bits, level in SETTINGS:
        cells = []
        for kind in kinds:
            share, micros = compressed(bits, level, said[kind])
            cells.append(f"{share:.0%} | {micros:.0f}")
        ours = (bits, level) == (default("ws_deflate_window_bits"), default("ws_deflate_memory_level"))
        mark = "**" if ours else ""
        row = " | ".join(cells)
        yield f"| {mark}{bits}{mark} | {mark}{level}{mark} | {memory_kb(bits, level, kinds):.0f} | {row} |"


def sizes() -> Iterator[str]:
    """The second: from which size on it is worth it."""
    text = "".join(message.decode() for message in messages("chat")).encode()
    yield "| bytes of a message | left | µs | µs per byte saved |"
    yield "|---|---|---|---|"
    for size in SIZES:
        said = [text[at : at + size] for at in range(0, min(len(text), size * MESSAGES) - size + 1, size)]
        share, micros = compressed(
            default("ws_deflate_window_bits"), default("ws_deflate_memory_level"), said
        )
        yield f"| {size} | {share:.0%} | {micros:.0f} | {micros / (size * (1 - share)):.2f} |"


def main() -> None:
    """Print both tables, and where they were made."""
    argparse.ArgumentParser(
        prog="python -m bench.deflate", description="Compression: memory, ratio, time."
    ).parse_args()
    print(f"{kernel.machine()['cpu']}, {platform.python_implementation()} {platform.python_version()}, "
          f"zlib {zlib.ZLIB_RUNTIME_VERSION}\n")  # fmt: skip
    for line in settings():
        print(line, flush=True)
    print()
    for line in sizes():
        print(line, flush=True)


if __name__ == "__main__":
    main()
