"""An application alone is called, its answer checked, and its CPU time told."""

import json
import os
import subprocess
import sys

from bench.servers import APPS, ROOT


def alone(answer: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bench.alone", "plain_asgi:app", "/", answer]
    command += ["--seconds", "0.02", "--warm-up", "0.01"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{APPS}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_a_call_has_its_cost() -> None:
    assert 0 < json.loads(alone("Hello, world!").stdout)["cpu_us"] < 1e5


def test_a_wrong_answer_is_told() -> None:
    assert "the application answers 200, b'Hello, world!'" in alone("Bye").stderr
