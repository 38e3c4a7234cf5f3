"""Nothing is lost while workers are replaced, added and taken away (`no_loss.py`)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from .no_loss import Load, kill, loaded, recycle, restart, scale, upgrade
from .processes import Supervised, supervised
from .upgrades import end, pid_of, upgradable

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

HUGE = pytest.mark.huge
MANY = [2, pytest.param(20, marks=HUGE)]


@pytest.fixture(params=[(), ("--uds", "s"), ("--reuse-port",)], ids=["tcp", "unix", "reuse-port"])
def words(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return (*request.param, "--no-access-log")


@contextlib.contextmanager
def under_load(directory: Path, *words: str) -> Iterator[tuple[Supervised, Load]]:
    """Two workers, and clients of them."""
    with supervised(directory, "--workers", "2", *words) as server:
        with loaded(server, *words) as load:
            yield server, load
        assert "died" not in server.output
        assert server.ends() == 0


@pytest.mark.parametrize("count", MANY)
def test_restarts(tmp_path: Path, words: tuple[str, ...], count: int) -> None:
    with under_load(tmp_path, *words) as (server, load):
        restart(server, load, count)


@pytest.mark.parametrize(
    ("mode", "count"),
    [
        ((), 1),
        pytest.param((), 5, marks=HUGE),
        pytest.param(("--uds", "s"), 5, marks=HUGE),
        pytest.param(("--reuse-port",), 5, marks=HUGE),
    ],
    ids=["tcp", "tcp 5", "unix 5", "reuse-port 5"],
)
def test_upgrades(tmp_path: Path, mode: tuple[str, ...], count: int) -> None:
    """Also one that is given up."""
    words = (*mode, "--no-access-log")
    with upgradable(tmp_path, "--workers", "2", *words) as server:
        with loaded(server, *words) as load:
            upgrade(server, load, count)
        assert "died" not in server.output
        assert "Traceback" not in server.output
        end(pid_of(tmp_path / "p"))


@pytest.mark.parametrize("count", MANY)
def test_workers_more_and_fewer(tmp_path: Path, words: tuple[str, ...], count: int) -> None:
    with under_load(tmp_path, *words) as (server, load):
        scale(server, load, count)


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize(
    ("limit", "why"),
    [
        (("--limit-max-requests", "500", "--limit-max-requests-jitter", "100"), "has answered "),
        (("--worker-lifetime-s", "0.5"), "has served for 0 seconds"),
        (("--worker-memory-bytes-max", "1000000"), "bytes of memory"),
    ],
    ids=["requests", "lifetime", "memory"],
)
def test_recycling(tmp_path: Path, limit: tuple[str, ...], why: str, count: int) -> None:
    with under_load(tmp_path, *limit) as (server, load):
        recycle(server, load, count)
        assert why in server.output


def test_a_killed_worker_loses_only_what_it_has_in_hand(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2", "--no-access-log") as server:
        with loaded(server, forgiving=True) as load:
            kill(server, load, 1)
        assert server.ends() == 0
