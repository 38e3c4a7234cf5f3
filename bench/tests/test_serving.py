"""What a server of the benchmark is started with."""

import pytest

from bench.serving import environment_of
from bench.workload import Entry


def test_the_shells_settings_of_python_are_not_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them had each start of an editable installation compile it anew."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("LC_BENCH", "kept")
    environment = environment_of(Entry("uvicorn"))
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["LC_BENCH"] == "kept"
