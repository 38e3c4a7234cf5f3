"""fastserve/cli.py: from words and variables to options."""

from __future__ import annotations

import platform
from typing import Any

import pytest
from click.testing import CliRunner, Result

import fastserve.server
from fastserve.cli import command
from fastserve.options import GROUPS, OPTIONS


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What fastserve.server.run would have been called with."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(fastserve.server, "run", lambda **options: calls.append(options))
    return calls


def invoke(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(command, words, env=environment, prog_name="fastserve")


def refused(*words: str, **environment: str) -> str:
    result = invoke(*words, **environment)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output.splitlines()[-1]


def test_only_what_is_given_is_passed_on(served: list[dict[str, Any]]) -> None:
    assert invoke("m:app").exit_code == 0
    assert served == [{"app": "m:app", "app_dir": ""}]


def test_each_kind_of_option(served: list[dict[str, Any]]) -> None:
    words = "m:app --port 0 --no-access-log --factory --timeout-keep-alive 2.5 --loop asyncio --app-dir d"
    invoke(*words.split(), "--header", "X-A: a b", "--header", "X-B:2")
    assert served == [
        {
            "app": "m:app",
            "port": 0,
            "access_log": False,
            "factory": True,
            "timeout_keep_alive": 2.5,
            "loop": "asyncio",
            "app_dir": "d",
            "headers": [("X-A", "a b"), ("X-B", "2")],
        }
    ]


def test_the_environment_stands_in_for_words(served: list[dict[str, Any]]) -> None:
    invoke(FASTSERVE_APP="m:app", FASTSERVE_PORT="81", FASTSERVE_ACCESS_LOG="0", FASTSERVE_HEADERS="A:1\nB:2")
    assert served == [
        {"app": "m:app", "app_dir": "", "port": 81, "access_log": False, "headers": [("A", "1"), ("B", "2")]}
    ]


def test_words_go_before_the_environment(served: list[dict[str, Any]]) -> None:
    invoke("m:app", "--port", "82", "--access-log", FASTSERVE_PORT="broken", FASTSERVE_ACCESS_LOG="0")
    assert served == [{"app": "m:app", "app_dir": "", "port": 82, "access_log": True}]


def test_an_empty_variable_is_unset(served: list[dict[str, Any]]) -> None:
    invoke("m:app", FASTSERVE_PORT="")
    assert "port" not in served[0]


def test_a_bad_value_names_the_flag() -> None:
    assert refused("m:app", "--port", "x") == (
        "Error: Invalid value for --port: 'x' is not a whole number from 0 to 65535."
    )
    assert refused("m:app", "--loop", "x") == (
        "Error: Invalid value for --loop: 'x' is not one of auto, uvloop, asyncio."
    )
    assert "Invalid value for --header: " in refused("m:app", "--header", "x")


def test_a_bad_value_names_the_variable() -> None:
    assert refused("m:app", FASTSERVE_HEAD_TIMEOUT_S="soon") == (
        "Error: Invalid value for FASTSERVE_HEAD_TIMEOUT_S: 'soon' is not a number from 0 to 10000000."
    )


def test_an_unknown_flag() -> None:
    assert "--prot" in refused("m:app", "--prot", "1")


def test_an_application_is_needed() -> None:
    assert refused() == "Error: Missing argument 'APP'."


def test_version() -> None:
    result = invoke("--version")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    assert (
        result.output == f"Running fastserve {fastserve.__version__} with {python} on {platform.system()}\n"
    )
    assert result.exit_code == 0


def test_help_shows_every_option_under_its_subject() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    sections = {}
    for line in result.output.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            rows = sections[line[:-1]] = []
        elif line.startswith("  ") and not line.startswith("   ") and sections:
            rows.append(line.split()[0])
    for group, title in GROUPS.items():
        assert sections[title] == [option.spelling for option in OPTIONS if option.group == group]
    assert sections["Other"][:2] == ["--version", "--help"]
