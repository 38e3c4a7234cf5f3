"""The kernel's accounts: a whole tree's CPU time and memory, and nothing guessed."""

import os
import subprocess
import sys
import threading
import time

import pytest

from fastserve.measure.kernel import (
    CpuTime,
    cpu_between,
    private_memory,
    process_tree,
    read_cpu,
    resident,
    resident_peak,
    shares,
)
from fastserve.measure.spread import Void

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")

# The child works, holds 20 MB, and says so through its parent; both then wait for the end of stdin.
CHILD = "held = b'x' * 20_000_000; sum(range(2_000_000)); print('ready', flush=True); input()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


def test_children_count() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        tree = process_tree(parent.pid)
        assert len(tree) == 2
        assert tree[0] == parent.pid
        whole, child = read_cpu(parent.pid), read_cpu(tree[1])
        assert child.keys() < whole.keys()
        assert sum(time.run_ns for time in child.values()) > 5_000_000
        assert private_memory(parent.pid) - private_memory(tree[1]) > 1_000_000
        assert private_memory(tree[1]) > 20_000_000
        assert resident(parent.pid) - resident(tree[1]) > 1_000_000
        assert resident_peak(tree[1]) >= resident(tree[1]) > 20_000_000


def test_a_thread_that_has_ended_counts() -> None:
    def work() -> None:
        end_ns = time.thread_time_ns() + 20_000_000
        while time.thread_time_ns() < end_ns:
            pass

    before = read_cpu(os.getpid())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert cpu_between(before, read_cpu(os.getpid())).run_ns >= 20_000_000


def test_a_new_process_counts_whole() -> None:
    before = {1: CpuTime(100, 10)}
    after = {1: CpuTime(150, 12), 2: CpuTime(30, 1)}
    assert cpu_between(before, after) == CpuTime(80, 3)


def test_a_process_that_ended_is_void() -> None:
    with pytest.raises(Void, match="process"):
        cpu_between({1: CpuTime(1, 0), 2: CpuTime(1, 0)}, {1: CpuTime(2, 0)})


@pytest.mark.parametrize(
    ("run_s", "wait_s", "busy", "waited"),
    [(0.5, 0.1, 0.5, 0.1), (0.9, 5.0, 0.9, 0.1), (1.01, 2.0, 1.01, 0.0)],
)
def test_a_server_waits_at_most_while_it_does_not_run(
    run_s: float, wait_s: float, busy: float, waited: float
) -> None:
    found = shares(CpuTime(int(run_s * 1e9), int(wait_s * 1e9)), 1.0)
    assert found == pytest.approx({"server_busy": busy, "server_waited": waited})
