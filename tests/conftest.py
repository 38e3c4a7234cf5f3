"""What every suite shares: one printed seed for all that is random, and tests that run only on demand."""

from __future__ import annotations

import gc
import logging
import os
import random
import signal
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

#: What is about the extension modules, or asks them; where nothing was compiled, tests/wire asks the rest.
collect_ignore = ["asgi", "faults", "ws"] if find_spec("fastserve.net.debug") is None else []

_SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--huge", action="store_true", help="also run the tests that move gigabytes or take minutes"
    )
    parser.addoption(
        "--parity",
        action="store_true",
        help="run everything against every implementation of HTTP/1, over sockets and at every cut",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "huge: moves gigabytes or takes minutes; runs only with --huge")
    config.addinivalue_line("markers", "proc: measures a process by what Linux tells of it in /proc")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background job of a shell
        signal.signal(signal.SIGINT, signal.default_int_handler)  # tests send themselves this signal
    # In the environment, so that the processes of a parallel run have one seed.
    config.stash[_SEED] = int(os.environ.get("FASTSERVE_TEST_SEED") or random.randrange(2**32))
    os.environ["FASTSERVE_TEST_SEED"] = str(config.stash[_SEED])


def pytest_report_header(config: pytest.Config) -> str:
    return f"random seed: FASTSERVE_TEST_SEED={config.stash[_SEED]}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--huge"):
        skip = pytest.mark.skip(reason="needs --huge")
        for item in items:
            if "huge" in item.keywords:
                item.add_marker(skip)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What thousands of tests are made of is never garbage. A search through it takes half a second, more
    under a sanitizer, and tests that count what is left search each time."""
    gc.collect()
    if hasattr(gc, "freeze"):  # PyPy has none
        gc.freeze()


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The session's random seed, printed in pytest's header; set FASTSERVE_TEST_SEED to repeat a run."""
    return pytestconfig.stash[_SEED]


@pytest.fixture(scope="session")
def parity(pytestconfig: pytest.Config) -> bool:
    """Whether time does not matter."""
    return bool(pytestconfig.getoption("--parity"))


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """A server that a test runs in this process sets levels and handlers of the whole process."""
    loggers = [logging.getLogger(name) for name in ("fastserve", "fastserve.error", "fastserve.access")]
    before = [
        (logger, logger.level, logger.handlers[:], logger.propagate, logger.disabled) for logger in loggers
    ]
    yield
    for logger, level, handlers, propagate, disabled in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate
        logger.disabled = disabled
