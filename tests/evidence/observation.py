"""What is seen of one server in one case, and how do two such observations differ?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .running import NAMES, Server, ask, running


def hello(server: Server) -> str:
    return ask(server)


@dataclass(frozen=True)
class Case:
    """One option with one value, tried with both servers.

    `words` are the command line after the application, `look` is what a client does, and returns what it saw.
    `prepare` is called with the directory in which the server is started, before it is, and may return a
    descriptor for it to inherit. `why` explains a difference; a case without one has no difference.
    """

    #: The keyword; "" for what no option is about.
    option: str
    words: tuple[str, ...] = ()
    look: Callable[[Server], str] = hello
    #: How the table calls it, where the words and variables do not tell enough.
    given: str = ""
    why: str = ""
    app: str = "application:app"
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], int | None] | None = None
    host: str = "127.0.0.1"
    #: Whether the words say where to listen; otherwise on a free port.
    has_address: bool = False
    #: Whether the client comes before the server listens.
    early: bool = False
    #: What is not compared, as chance decides how much of it there is.
    apart: tuple[str, ...] = ()
    #: Whether several processes write messages, in an order of chance.
    several: bool = False

    @property
    def title(self) -> str:
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return self.given or f"`{' '.join([*variables, *self.words])}`"


@dataclass(frozen=True)
class Observation:
    """What the client saw, the messages on stderr, the lines of requests on stdout, how the server ended."""

    client: str
    messages: tuple[str, ...]
    requests: tuple[str, ...]
    end: str

    def parts_unlike(self, other: Observation) -> list[str]:
        """The names of the parts that are not the same."""
        return [name for name in self.__annotations__ if getattr(self, name) != getattr(other, name)]

    def without(self, part: str, other: Observation) -> str:
        """The lines of a part that the other does not have."""
        mine, theirs = getattr(self, part), getattr(other, part)
        return mine if isinstance(mine, str) else " / ".join(line for line in mine if line not in theirs)


def observe(case: Case, name: str) -> Observation:
    """Run the server of this name in the case."""
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        fd = case.prepare(directory) if case.prepare is not None else None
        words = [case.app, *case.words] if case.app else [*case.words]
        if not case.has_address:
            words += ["--port", "{port}"]
        with running(name, directory, words, case.environment, case.host, fd) as server:
            comes = case.early or server.await_listening()
            client = case.look(server) if comes else "does not listen"
            end = server.end()
            messages = server.lines("stderr") if "messages" not in case.apart else []
            if case.several:
                messages.sort()
            if case.option:  # not about ends: whether a connection is still closing by then is chance
                messages = [line for line in messages if "Waiting for connections" not in line]
            requests = server.lines("stdout") if "requests" not in case.apart else []
            return Observation(client, tuple(messages), tuple(requests), end)


def both(case: Case) -> tuple[Observation, Observation]:
    """uvicorn's and fastserve's."""
    theirs, ours = (observe(case, name) for name in NAMES)
    return theirs, ours
