import asyncio
from collections.abc import Callable

from fastserve.access_format import Answered
from fastserve.features.access_log import AccessLog
from fastserve.logfile import LogFile
from fastserve.loop_watch import LoopWatch

class AccessLines(AccessLog):
    """Writes the line that `format` makes of each request, without its end. It must not raise.

    To `fd`, which stays open, or else to `file`, which is closed at the end.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        format: Callable[[Answered], str],
        fd: int = 1,
        file: LogFile | None = None,
        prefix: bytes = b"",
    ) -> None: ...
    def set_watch(self, watch: LoopWatch | None) -> None:
        """From now on lines can tell how long their request has held the event loop."""
