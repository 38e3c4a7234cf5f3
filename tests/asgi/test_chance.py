"""Random applications, random clients: no answer has bytes of another, none is lost, and nothing is left."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from .chance import Application, converse
from .conftest import Serve

CLIENTS = 8
PLANNED = ("RuntimeError: planned", "ASGI callable returned without", "ASGI application was cancelled before")


@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.huge)])
def test_conversations(serve: Serve, seed: int, count: int) -> None:
    app = Application()
    # A body that nobody reads is discarded, however long; so the next request must be answered.
    serving = serve(app, discard_bytes_max=10_000_000, half_close_timeout_s=0.5, linger_timeout_s=0.5)
    seeds = random.Random(seed)
    with ThreadPoolExecutor(CLIENTS) as pool:
        tasks = {
            number: pool.submit(converse, serving.connect, number)
            for number in seeds.sample(range(10**9), count)
        }
        judged = 0
        for number, task in tasks.items():
            try:
                judged += task.result()
            except Exception as error:
                raise AssertionError(f"conversation {number}: {str(error)[:1000]}") from None
    serving.await_idle()
    unplanned = [text for text in serving.errors() if not any(planned in text for planned in PLANNED)]
    assert unplanned == []
    assert judged > count / 2
