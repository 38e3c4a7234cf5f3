"""fastserve/cli.py: from words and variables to options."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import fastserve.serving
from fastserve.cli import command
from fastserve.options import GROUPS, OPTIONS


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What fastserve.serving.run_again would have been called with."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(fastserve.serving, "run_again", lambda collect: calls.append(collect()))
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
    assert refused("m:app", "--lifespan", "x") == (
        "Error: Invalid value for --lifespan: 'x' is not one of auto, on, off."
    )
    assert "Invalid value for --header: " in refused("m:app", "--header", "x")


def test_a_bad_value_names_the_variable() -> None:
    assert refused("m:app", FASTSERVE_HEAD_TIMEOUT_S="soon") == (
        "Error: Invalid value for FASTSERVE_HEAD_TIMEOUT_S: 'soon' is not a number from 0 to 10000000."
    )


def test_an_unknown_flag() -> None:
    assert refused("m:app", "--prot", "1") == "Error: Unknown option: --prot. Did you mean --port?"
    assert refused("m:app", "--zzz") == "Error: Unknown option: --zzz."
    assert refused("m:app", "--no-acces-log").endswith("Did you mean --no-access-log?")


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
    assert sections["Other"][:5] == ["--config", "--check", "--print-config", "--version", "--help"]


def test_a_configuration_file_stands_in_for_words(served: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('app = "m:app"\nport = 81\nheader = ["X-A: 1"]\n')
    invoke("--config", str(path))
    invoke("n:app", "--port", "82", FASTSERVE_CONFIG=str(path))
    assert served[0] == {"app": "m:app", "app_dir": "", "port": 81, "headers": [("X-A", "1")]}
    assert served[1] == {"app": "n:app", "app_dir": "", "port": 82, "headers": [("X-A", "1")]}


def test_a_bad_configuration_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('port = "x"')
    assert refused("m:app", "--config", str(path)) == (
        f"Error: Invalid value for port in {path}: 'x' is not a whole number from 0 to 65535."
    )
    assert refused("m:app", "--config", str(tmp_path / "gone.toml")).endswith("No such file or directory.")


def test_what_a_server_refuses_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(collect: Any) -> None:
        raise fastserve.OptionError("These two do not go together.")

    monkeypatch.setattr(fastserve.serving, "run_again", run)
    assert refused("m:app") == "Error: These two do not go together."


def test_check_does_not_serve(served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[dict[str, Any]] = []
    monkeypatch.setattr(fastserve.serving, "check", lambda **options: checked.append(options))
    assert invoke("m:app", "--check", "--port", "1").exit_code == 0
    assert checked == [{"app": "m:app", "app_dir": "", "port": 1}]
    assert served == []
    assert refused("--check") == "Error: Missing argument 'APP'."


def test_print_config_shows_values_and_sources(served: list[dict[str, Any]]) -> None:
    result = invoke("--print-config", "--port", "81", FASTSERVE_BACKLOG="5", UVICORN_ACCESS_LOG="0")
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines()]
    assert len(rows) == len(OPTIONS)
    for row in (
        "port = 81 # command line",
        "backlog = 5 # FASTSERVE_BACKLOG",
        "access_log = false # UVICORN_ACCESS_LOG",
        'host = "127.0.0.1" # default',
        'app_dir = "" # default',
        "# uds = none # default",
    ):
        assert row.split() in rows
    assert served == []


def complete(words: str, position: int) -> list[str]:
    """What a shell is offered for the word at this position."""
    result = invoke(_FASTSERVE_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(position))
    assert result.exit_code == 0
    return [line.split(",")[1] for line in result.output.splitlines()]


def test_a_shell_completes_flags_and_choices() -> None:
    assert complete("fastserve --back", 1) == ["--backlog"]
    assert complete("fastserve --no-ac", 1) == ["--no-access-log"]
    assert complete("fastserve --lifespan o", 2) == ["on", "off"]
