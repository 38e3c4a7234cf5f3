"""Which failures may a program that embeds fastserve catch?

This module knows nothing of the others, so that each of them may raise what stands here.
"""

__all__ = ["STARTUP_FAILURE", "OptionError", "StartupError"]

#: The status with which the command, or a worker process, exits if the server cannot start.
STARTUP_FAILURE = 3


class OptionError(ValueError):
    """An option that does not exist, or a value that it cannot take. The command exits with status 2."""


class StartupError(RuntimeError):
    """The server cannot start: the application cannot be imported, its lifespan failed, an address is taken.

    The message is one line for a reader who did not write fastserve. `__cause__` is set only where the fault
    lies in the application's own code, whose traceback then belongs before that line. The command exits with
    status 3.
    """
