"""What were the workers asked, and who still has to answer?

An operator's question goes to every worker that serves. Who is silent for too long, as its interpreter may
be held by C code, is told of as silent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from fastserve.supervisor.process import Process

__all__ = ["Questions"]

#: Workers answer from a thread of their own, within milliseconds unless the machine is busy.
_TIMEOUT_S = 2.0

#: Gets what each worker has said; None: it was silent.
Reply = Callable[[dict[int, Any]], None]


class _Question:
    def __init__(self, asked: Iterable[Process], reply: Reply) -> None:
        self.waited_for = set(asked)
        self.until_s = time.monotonic() + _TIMEOUT_S
        self.reply = reply
        self.answers: dict[int, Any] = {child.pid: None for child in self.waited_for}


class Questions:
    """Those that are open."""

    def __init__(self) -> None:
        self._open: list[_Question] = []

    def ask(self, workers: Iterable[Process], reply: Reply) -> None:
        """Have each of these workers report; `reply` is called once, perhaps at once."""
        question = _Question(workers, reply)
        for child in question.waited_for:
            child.channel.send(do="report")
        self._open.append(question)
        self.look()

    def waits_for(self, child: Process) -> bool:
        return any(child in question.waited_for for question in self._open)

    def answered(self, child: Process, answer: Any) -> None:
        """A worker has reported; one report answers all that it was asked."""
        for question in self._open:
            if child in question.waited_for:
                question.answers[child.pid] = answer
                question.waited_for.discard(child)
        self.look()

    def ended(self, child: Process) -> None:
        for question in self._open:
            question.waited_for.discard(child)
        self.look()

    def look(self) -> None:
        """Reply where all have answered, or where it took too long."""
        now_s = time.monotonic()
        for question in [*self._open]:
            if not question.waited_for or now_s >= question.until_s:
                self._open.remove(question)
                question.reply(question.answers)
