"""fastserve/supervisor/family.py: is there a worker that serves, and whose event loop turns?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from fastserve.supervisor.family import WORKER, Supervisor
from fastserve.supervisor.process import State

HEALTHCHECK_S = 5.0


class Asked(Supervisor):
    """One that has children, and nothing else of a supervisor."""

    def __init__(self, *children: Any) -> None:
        self.config: Any = SimpleNamespace(timeout_worker_healthcheck=HEALTHCHECK_S)
        self.takeover: Any = SimpleNamespace(predecessor=None)
        self.children = dict(enumerate(children))
        self.is_stopping = False
        self.heard: list[Any] = []

    def _hear(self, child: Any) -> None:
        self.heard.append(child)


def child(state: State = State.SERVING, silent_s: float = 0.1, module: str = WORKER) -> Any:
    return SimpleNamespace(module=module, state=state, silent_s=silent_s)


@pytest.mark.parametrize(
    ("children", "ready"),
    [
        ([], False),
        ([child()], True),
        ([child(silent_s=2.4)], True),
        ([child(silent_s=2.6)], False),
        ([child(silent_s=2.6), child()], True),
        ([child(State.WARM), child(State.STARTING), child(State.STOPPING)], False),
        ([child(module="watch")], False),
    ],
)
def test_ready(children: list[Any], ready: bool) -> None:
    """What has been said is heard first."""
    supervisor = Asked(*children)
    assert supervisor.is_ready() == ready
    assert supervisor.heard == children


def test_not_while_it_ends() -> None:
    supervisor = Asked(child())
    supervisor.is_stopping = True
    assert not supervisor.is_ready()
