"""How does a program, or the command, serve?

In this process, or, with several workers or with reload, in others that this one watches. Only the first of
the two imports the application and what runs it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from fastserve.config import Config
from fastserve.errors import STARTUP_FAILURE, StartupError
from fastserve.importer import without_our_frames
from fastserve.keywords import signature
from fastserve.log import logger
from fastserve.pidfile import PidFile
from fastserve.sockets import Binding, adopt, with_plain
from fastserve.systemd import Notifier, listening
from fastserve.takeover import TakeOver

__all__ = ["check", "report", "run"]


def run(app: Any, **options: Any) -> None:
    """Serve an application, given or named by an import string, until INT or TERM.

    `options` are the keywords of docs/options.md. Raises OptionError. If the server cannot start, says why on
    stderr and exits with status 3.
    """
    _run(Config(app, **options), None)


run.__signature__ = signature(False, "app")  # type: ignore[attr-defined]


def run_again(collect: Callable[[], dict[str, Any]]) -> None:
    """Do as `run()` does, with options that can be collected again when a restart is wanted.

    `collect` returns `app` and the keywords. Raises OptionError.
    """
    _run(Config(**collect()), lambda: Config(**collect()))


def _run(config: Config, read_again: Callable[[], Config] | None) -> None:
    if not config.reload and (config.reload_dirs or config.reload_includes or config.reload_excludes):
        logger.warning("Nothing is watched: the options of reload mean nothing without reload itself.")
    if config.umask is not None:
        os.umask(int(config.umask, 8))
    status = _serve(config, read_again)
    if status:
        sys.exit(status)


def _serve(config: Config, read_again: Callable[[], Config] | None) -> int:
    """Serve in this process, or watch those that do; return the exit status."""
    pid_file = None
    notifier = Notifier()
    takeover = TakeOver()
    try:
        handed_over = takeover.binding
        descriptors = listening() if config.fd is None and not config.bind else []
        if handed_over is None and descriptors:
            handed_over = with_plain(config, adopt(descriptors))
        if config.pid_file is not None:
            pid_file = takeover.pid_file = PidFile(config.pid_file)
        if _needs_parent(config):
            return _supervise(config, read_again, notifier, handed_over, takeover)
        return _serve_here(config, notifier, pid_file, handed_over)
    except StartupError as error:
        report(error)
        return STARTUP_FAILURE
    finally:
        if pid_file is not None:
            pid_file.remove()


def _needs_parent(config: Config) -> bool:
    named = (config.control_socket, config.health_bind, config.user, config.group)
    numbers_leave = config.metrics_address is not None or config.statsd is not None
    return config.reload or config.supervise or config.processes > 1 or numbers_leave or any(named)


def _serve_here(
    config: Config, notifier: Notifier, pid_file: PidFile | None, handed_over: Binding | None
) -> int:
    from fastserve.standalone import Standalone

    server = Standalone(config, notifier, pid_file, handed_over)
    # Outside the loop, as an import may run one of its own. A factory is called inside, by serve().
    config.load_app()
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0


def _supervise(
    config: Config,
    read_again: Callable[[], Config] | None,
    notifier: Notifier,
    handed_over: Binding | None,
    takeover: TakeOver,
) -> int:
    if not isinstance(config.app, str):
        logger.warning("You must pass the application as an import string to enable 'reload' or 'workers'.")
        return STARTUP_FAILURE
    if config.reload:
        from fastserve.supervisor.reload import Reloader

        return Reloader(config, notifier, handed_over, takeover).run()
    from fastserve.supervisor.master import Master

    return Master(config, notifier, handed_over, takeover, read_again).run()


def check(app: Any, **options: Any) -> None:
    """Judge the options and make the application ready, as `run()` would, but neither bind nor serve.

    Raises OptionError. If the server could not start, says why on stderr and exits with status 3.
    """
    from fastserve.server import run_in_loop

    config = Config(app, **options)

    async def load() -> None:
        config.load()

    try:
        config.load_app()
        config.get_http_protocol()
        run_in_loop(load(), config.get_loop_factory())
    except StartupError as error:
        report(error)
        sys.exit(STARTUP_FAILURE)
    logger.info("The configuration is valid, and the application can be imported")


def report(error: StartupError) -> None:
    """Print the traceback of the application's own code, if it is to blame, and then one line."""
    cause = error.__cause__
    if cause is not None:
        theirs = without_our_frames(cause.__traceback__)
        if theirs is not None or isinstance(cause, SyntaxError):
            with contextlib.suppress(OSError, ValueError, AttributeError):  # stderr is closed or gone
                traceback.print_exception(type(cause), cause, theirs)
    logger.error("%s", error)
