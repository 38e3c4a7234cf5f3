"""fastserve/preload.py: what it hears while the application is imported. tests/supervisor/ has the rest."""

from __future__ import annotations

import logging
import socket
import threading
import time

import pytest

from fastserve.preload import _heard
from fastserve.supervisor.ipc import Channel, pair

TIMEOUT_S = 20.0


def test_the_stack_of_an_import_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """By a thread that is not there any more when something is forked."""
    supervisor, descriptor = pair()
    channel = Channel(socket.socket(fileno=descriptor))
    threads = threading.active_count()
    with caplog.at_level(logging.ERROR, "fastserve.error"):
        with _heard(channel):
            supervisor.send(do="tell")
            deadline_s = time.monotonic() + TIMEOUT_S
            while not caplog.records and time.monotonic() < deadline_s:
                time.sleep(0.005)
        assert threading.active_count() == threads
    supervisor.close()
    channel.close()
    assert "has not answered, is here:" in caplog.text
    assert "in test_the_stack_of_an_import_is_told" in caplog.text
