"""When does the application start and stop?

The lifespan protocol (https://asgi.readthedocs.io/en/latest/specs/lifespan.html): one call of the application
with a scope of type "lifespan", in a task of its own that lives as long as the server. It receives "startup"
before the server listens and "shutdown" after the last request. An application may not support it and raise
at once: `auto` takes any exception before the answer to "startup" for that, `on` for a failure.

The task runs in its own copy of the context, as every task does: a context variable that the application sets
in its startup is not seen by requests. What they are to share goes into `state`.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, MutableMapping
from typing import Any

from fastserve.errors import StartupError
from fastserve.log import logger

__all__ = ["Lifespan", "Phase"]

Message = MutableMapping[str, Any]


class Phase(enum.Enum):
    """How far the application's lifespan has come. It changes in `Lifespan._enter` only."""

    STARTING = "called, and asked to start up"
    STARTED = "has started up"
    STOPPING = "asked to shut down"
    STOPPED = "has shut down, or ended without having been asked to"
    FAILED = "said that it failed, or raised"
    UNSUPPORTED = "raised instead of taking part"


_NEXT = {
    Phase.STARTING: {Phase.STARTED, Phase.STOPPED, Phase.FAILED, Phase.UNSUPPORTED},
    Phase.STARTED: {Phase.STOPPING, Phase.STOPPED, Phase.FAILED},
    Phase.STOPPING: {Phase.STOPPED, Phase.FAILED},
    Phase.STOPPED: {Phase.FAILED},  # it may still raise after its last message
    Phase.FAILED: set(),
    Phase.UNSUPPORTED: set(),
}

#: What the application may say, the phase in which it may say it, and the phase that follows.
_ANSWERS = {
    "lifespan.startup.complete": (Phase.STARTING, Phase.STARTED),
    "lifespan.startup.failed": (Phase.STARTING, Phase.FAILED),
    "lifespan.shutdown.complete": (Phase.STOPPING, Phase.STOPPED),
    "lifespan.shutdown.failed": (Phase.STOPPING, Phase.FAILED),
}


class Lifespan:
    """The lifespan of one application in one server. `mode` is `auto`, `on` or `off`."""

    def __init__(self, app: Callable[..., Any], mode: str) -> None:
        self._app = app
        self._mode = mode
        self.phase = Phase.STARTING
        #: The application's own; each request gets a shallow copy.
        self.state: dict[str, Any] = {}
        self._changed = asyncio.Event()
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Return once the application has started up. Raises StartupError if it failed to."""
        if self._mode == "off":
            return
        logger.info("Waiting for application startup.")
        self._inbox.put_nowait({"type": "lifespan.startup"})
        # The attribute keeps the task alive: the event loop holds tasks weakly.
        self._task = asyncio.get_running_loop().create_task(self._run(), name="fastserve-lifespan")
        await self._leave(Phase.STARTING)
        if self.phase is Phase.FAILED or (self.phase is Phase.UNSUPPORTED and self._mode == "on"):
            await self._ended()
            raise StartupError("Application startup failed. Exiting.")
        logger.info("Application startup complete.")

    async def shutdown(self) -> None:
        """Return once the application has shut down, or at once if it takes no part in this."""
        if self._task is None or self.phase in (Phase.UNSUPPORTED, Phase.FAILED):
            return
        logger.info("Waiting for application shutdown.")
        if self.phase is Phase.STARTED:
            self._enter(Phase.STOPPING)
            self._inbox.put_nowait({"type": "lifespan.shutdown"})
            await self._leave(Phase.STOPPING)
        if await self._ended() is Phase.FAILED:
            logger.error("Application shutdown failed. Exiting.")
        else:
            logger.info("Application shutdown complete.")

    def cancel(self) -> None:
        """Give up waiting for the application: its task is cancelled."""
        if self._task is not None:
            self._task.cancel()

    async def _leave(self, phase: Phase) -> None:
        while self.phase is phase:
            self._changed.clear()
            await self._changed.wait()

    async def _ended(self) -> Phase:
        """Wait until the application returns, as cleanup may follow its last message; return its phase."""
        assert self._task is not None
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # SystemExit has ended the loop's run; nothing else comes this far
        return self.phase

    def _enter(self, phase: Phase) -> None:
        assert phase in _NEXT[self.phase], (self.phase, phase)
        self.phase = phase
        self._changed.set()

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as error:
            self._raised(error)
        finally:
            if self.phase in (Phase.STARTING, Phase.STARTED, Phase.STOPPING):
                self._enter(Phase.STOPPED)

    def _raised(self, error: Exception) -> None:
        if self.phase is Phase.FAILED:  # it has told why; frameworks raise after that
            return
        if self.phase is not Phase.STARTING:
            logger.error("Exception in 'lifespan' protocol", exc_info=error)
            self._enter(Phase.FAILED)
            return
        if self._mode == "on":
            logger.error("Exception in 'lifespan' protocol", exc_info=error)
        else:
            logger.info("ASGI 'lifespan' protocol appears unsupported.")
            logger.debug("What the application raised:", exc_info=error)
        self._enter(Phase.UNSUPPORTED)

    async def _receive(self) -> Message:
        if self.phase in (Phase.STOPPED, Phase.FAILED):
            # Nothing will ever come. An application that loops over receive() would keep its task waiting for
            # it.
            self.cancel()
        return await self._inbox.get()

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind not in _ANSWERS:
            raise RuntimeError(
                f"Unexpected lifespan message {kind!r}: expected one of {', '.join(_ANSWERS)}."
            )
        allowed, following = _ANSWERS[kind]
        if self.phase is not allowed:
            raise RuntimeError(f"Unexpected lifespan message {kind!r}: the application {self.phase.value}.")
        if following is Phase.FAILED and message.get("message"):
            logger.error(message["message"])
        self._enter(following)
