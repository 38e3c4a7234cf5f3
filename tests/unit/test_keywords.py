"""fastserve/keywords.py: options as arguments of a call in Python."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import uvicorn

import fastserve
from fastserve.config import Config
from fastserve.errors import OptionError
from fastserve.keywords import POSITIONS, by_name, signature
from fastserve.options import BY_NAME, UVICORN_OPTIONS

THEIRS = inspect.signature(uvicorn.Config).parameters
#: What uvicorn's functions take beside the options of its command.
FUNCTIONS = {"callback_notify", "timeout_notify", "ssl_context_factory"}


async def app(scope: Any, receive: Any, send: Any) -> None: ...


def test_the_positions_are_those_of_the_installed_uvicorn() -> None:
    assert ("app", *POSITIONS) == tuple(THEIRS)


def test_uvicorn_has_no_option_without_a_flag_but_functions() -> None:
    of_run = inspect.signature(uvicorn.run).parameters
    assert {*THEIRS, *of_run} == UVICORN_OPTIONS | FUNCTIONS


def test_options_by_position() -> None:
    config = Config(app, "127.0.0.2", 8080, "/run/a.sock", None, "asyncio", timeout_keep_alive=7)
    assert (config.host, config.port, config.uds, config.loop) == (
        "127.0.0.2", 8080, "/run/a.sock", "asyncio"
    )  # fmt: skip
    assert config.timeout_keep_alive == 7


def test_an_option_twice_or_too_many_is_what_python_says_of_any_function() -> None:
    with pytest.raises(TypeError, match=r"Config\(\) got multiple values for argument 'host'"):
        Config(app, "127.0.0.1", host="127.0.0.1")
    with pytest.raises(TypeError, match="positional arguments"):
        by_name([None] * (len(POSITIONS) + 1), {})


@pytest.mark.parametrize("function", [uvicorn.run, uvicorn.Config])
def test_every_keyword_with_uvicorns_default(function: Any) -> None:
    """Code that passes what it need not pass. Its logging configuration is a test of its own."""
    parameters = inspect.signature(function).parameters
    asked = {
        name: parameter.default
        for name, parameter in parameters.items()
        if (name in BY_NAME or name.endswith("_notify")) and name not in ("app", "log_config")
    }
    Config(app, log_config=None, **asked)


def test_the_signature_shows_each_option_with_its_default() -> None:
    shown = inspect.signature(Config).parameters
    assert list(shown)[: len(THEIRS)] == list(THEIRS)
    assert set(BY_NAME) < set(shown)
    for name, parameter in inspect.signature(fastserve.run).parameters.items():
        if name == "app":
            assert parameter.default is inspect.Parameter.empty
        else:
            assert parameter.kind is parameter.KEYWORD_ONLY
            assert shown[name].default == parameter.default
    for name, option in BY_NAME.items():
        if name != "app":
            assert shown[name].default == option.default


def test_the_signature_of_a_subclass_is_its_own() -> None:
    class Own(Config):
        def __init__(self) -> None:
            super().__init__(app)

    assert not inspect.signature(Own).parameters
    assert "port" in signature(False, "app").parameters


@pytest.mark.parametrize(
    ("name", "value"),
    [("callback_notify", 1), ("timeout_notify", -1), ("timeout_notify", "1"), ("timeout_notify", True)],
)
def test_what_cannot_notify(name: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^Invalid value for {name}: "):
        Config(app, **{name: value})
