"""fastserve/sources.py: which source goes first, and what a configuration file may be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from fastserve.errors import OptionError
from fastserve.options import BY_NAME, OPTIONS, UVICORN_OPTIONS
from fastserve.sources import ConfigFile, Setting, collect, read_config_file, render

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: For one option, what each source says, the first of them first.
LAYERS = [
    ("command line", 1),
    ("FASTSERVE_PORT", 2),
    ("UVICORN_PORT", 3),
    ("settings.toml", 4),
]


@pytest.mark.parametrize("first", range(len(LAYERS) + 1))
def test_precedence(first: int) -> None:
    """With the sources from the n-th on, the n-th is the one that counts."""
    left = dict(LAYERS[first:])
    given = {"port": left.get("command line")}
    environment = {name: str(value) for name, value in left.items() if name.isupper()}
    file = ConfigFile("settings.toml", {"port": 4} if "settings.toml" in left else {})
    settings = collect(given, environment, file)
    if first == len(LAYERS):
        assert settings == {}
    else:
        source, value = LAYERS[first]
        assert settings == {"port": Setting(value, source)}


def test_what_is_overridden_is_not_judged() -> None:
    file = ConfigFile("f", {"port": "broken"})
    environment = {"FASTSERVE_PORT": "broken", "UVICORN_PORT": "broken"}
    assert collect({"port": "1"}, environment, file)["port"].value == 1


def test_an_empty_variable_lets_the_next_source_speak() -> None:
    environment = {"FASTSERVE_PORT": "", "UVICORN_PORT": ""}
    assert collect({}, environment, ConfigFile("f", {"port": 5})) == {"port": Setting(5, "f")}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_variables_of_uvicorn_are_read_for_options_that_it_has(option: Any) -> None:
    assert option.uvicorn_environment == (
        f"UVICORN_{option.name.upper()}" if option.name in UVICORN_OPTIONS else None
    )


def test_a_list_of_uvicorn_is_taken_apart_at_its_spaces() -> None:
    settings = collect({}, {"UVICORN_HEADERS": "X-A:1 X-B:2"}, ConfigFile())
    assert settings["headers"].value == [("X-A", "1"), ("X-B", "2")]


def test_a_variable_without_a_prefix_goes_before_the_file_only() -> None:
    file = ConfigFile("f", {"forwarded_allow_ips": ["1.1.1.1"]})
    environment = {"FORWARDED_ALLOW_IPS": "2.2.2.2,3.3.3.3"}
    found = collect({}, environment, file)
    assert found == {"forwarded_allow_ips": Setting("2.2.2.2,3.3.3.3", "FORWARDED_ALLOW_IPS")}
    environment["UVICORN_FORWARDED_ALLOW_IPS"] = "4.4.4.4"
    assert collect({}, environment, file)["forwarded_allow_ips"].value == "4.4.4.4"
    assert collect({}, {}, file)["forwarded_allow_ips"].value == "1.1.1.1"


def test_a_variable_of_uvicorn_for_what_is_to_come_is_an_error() -> None:
    for name in sorted(UVICORN_OPTIONS - {*BY_NAME}):
        with pytest.raises(OptionError, match=f"UVICORN_{name.upper()} is an option of uvicorn that"):
            collect({}, {f"UVICORN_{name.upper()}": "1"}, ConfigFile())


def test_other_variables_are_not_ours() -> None:
    assert (
        collect({}, {"UVICORN_HEAD_TIMEOUT_S": "1", "FASTSERVE_DEBUG": "1", "PORT": "1"}, ConfigFile()) == {}
    )


@pytest.mark.parametrize(
    ("given", "environment", "label"),
    [
        ({"port": "x"}, {}, "--port"),
        ({}, {"FASTSERVE_PORT": "x"}, "FASTSERVE_PORT"),
        ({}, {"UVICORN_PORT": "x"}, "UVICORN_PORT"),
        ({}, {}, "port in settings.toml"),
    ],
)
def test_a_bad_value_names_its_source(given: Any, environment: dict[str, str], label: str) -> None:
    with pytest.raises(OptionError, match=f"^Invalid value for {label}: 'x' is not a whole number"):
        collect(given, environment, ConfigFile("settings.toml", {"port": "x"}))


# ---- files


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_toml_file_has_options_at_its_top_level(here: Path) -> None:
    path = written(here / "a.toml", 'app = "m:ä"\nport = 1\nheader = ["X-A: 1"]\ntimeout-keep-alive = 2\n')
    assert read_config_file(path) == ConfigFile(
        path, {"app": "m:ä", "port": 1, "headers": ["X-A: 1"], "timeout_keep_alive": 2}
    )


def test_a_project_file_has_them_in_its_table(here: Path) -> None:
    path = written(here / "pyproject.toml", '[project]\nname = "x"\n[tool.fastserve]\nport = 1\n')
    assert read_config_file(path).values == {"port": 1}
    assert read_config_file(None) == ConfigFile("pyproject.toml", {"port": 1})


@pytest.mark.parametrize(
    "text", [None, "[tool.black]\nport = 1\n", "broken =", '[project]\nname = "fastserve"\n']
)
def test_a_project_file_need_not_speak_of_us(here: Path, text: str | None) -> None:
    if text is not None:
        written(here / "pyproject.toml", text)
    assert read_config_file(None) == ConfigFile() or read_config_file(None).values == {}


def test_a_python_file_has_them_as_variables(here: Path) -> None:
    path = written(
        here / "a.py",
        "import os\nfrom pathlib import Path\n_half = 40\ndef double(n): return 2 * n\n"
        "port = double(_half)\nroot_path = os.path.join('/', 'p')\nuds = None\n",
    )
    assert read_config_file(path).values == {"port": 80, "root_path": "/p", "uds": None}


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.toml", "port = ", "Cannot read .*a.toml: Invalid value .at end of document."),
        ("a.toml", "prot = 1", r"Unknown option: prot. Did you mean port\? .*a.toml"),
        ("a.toml", "port = 1\n[tool.fastserve]\nport = 1", "Unknown option: tool. .*a.toml"),
        ("a.toml", 'header = ["X: 1"]\nheaders = ["X: 1"]', "a.toml names headers twice"),
        ("pyproject.toml", "[tool]\nfastserve = 1", "pyproject.toml: tool.fastserve is not a table"),
        ("a.py", "prot = 1", r"Unknown option: prot. Did you mean port\? .*a.py"),
        ("a.py", "port = 1 / 0", "Cannot read .*a.py: ZeroDivisionError: division by zero"),
        ("a.py", "port =", "Cannot read .*a.py: SyntaxError: "),
    ],
)
def test_a_file_that_cannot_be_meant(here: Path, name: str, text: str, line: str) -> None:
    with pytest.raises(OptionError, match=line):
        read_config_file(written(here / name, text))


@pytest.mark.parametrize("name", ["gone.toml", "gone.py", "pyproject.toml"])
def test_a_file_that_is_named_must_be_there(here: Path, name: str) -> None:
    with pytest.raises(OptionError, match=f"^Cannot read {name}: No such file or directory.$"):
        read_config_file(name)


# ---- what is shown


def test_what_is_shown_is_a_configuration_file(here: Path) -> None:
    given = {
        "app": "m:app",
        "port": "0",
        "headers": ["X-A: ä #1"],
        "root_path": 'a"b',
        "head_timeout_s": "1.5",
    }
    settings = collect(given, {"FASTSERVE_ACCESS_LOG": "0"}, ConfigFile())
    path = written(here / "shown.toml", render(settings))
    again = collect({}, {}, read_config_file(path))
    assert {name: again[name].value for name in settings} == {
        name: setting.value for name, setting in settings.items()
    }
    for option in OPTIONS:
        if option.name not in settings and option.default is not None:
            assert again[option.name].value == option.convert(option.default)


def test_every_option_is_shown_with_its_source() -> None:
    shown = render(collect({"port": "1"}, {"UVICORN_HOST": "::1"}, ConfigFile("f.toml", {"backlog": 3})))
    rows = [line.removeprefix("# ").split() for line in shown.splitlines()]
    assert [row[0] for row in rows] == [option.name for option in OPTIONS]
    sources = {row[0]: " ".join(row[row.index("#") + 1 :]) for row in rows}
    assert {name: source for name, source in sources.items() if source != "default"} == {
        "port": "command line",
        "host": "UVICORN_HOST",
        "backlog": "f.toml",
    }


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastserve import sources
    from fastserve.options import Option

    monkeypatch.setattr(sources, "OPTIONS", (Option("key_password", str, None, "socket", "A secret."),))
    shown = render({"key_password": Setting("sesame", "command line")})
    assert "sesame" not in shown
    assert tomllib.loads(shown) == {}
    assert "# key_password = none" in render({})
