"""The table of options beside the command of the installed uvicorn, which it says it follows."""

from __future__ import annotations

import click
import pytest
from uvicorn.main import main as theirs

from fastserve.cli import command
from fastserve.options import BY_NAME, OPTIONS, UVICORN_OPTIONS, Option

THEIRS = {param.name: param for param in theirs.params if param.name != "version"}
OURS = {param.name: param for param in command.params}
SHARED = [option for option in OPTIONS if option.name in THEIRS]
#: Where our number may be a fraction and uvicorn's may not, which takes nothing away.
WIDER = {"timeout_keep_alive", "timeout_graceful_shutdown", "timeout_worker_healthcheck"}
KINDS = {str: "text", int: "integer", float: "float", bool: "boolean"}


def kind(param: click.Parameter) -> str:
    return "text" if isinstance(param.type, (click.Path, click.Choice)) else param.type.name


def test_the_names_are_those_of_the_installed_uvicorn() -> None:
    assert set(THEIRS) == UVICORN_OPTIONS


def test_differences_are_told_of_options_that_uvicorn_has() -> None:
    assert [option.name for option in OPTIONS if option.uvicorn and option.name not in UVICORN_OPTIONS] == []


@pytest.mark.parametrize("option", SHARED, ids=lambda option: option.name)
def test_flags_types_and_lists_are_the_same(option: Option) -> None:
    mine, other = OURS[option.name], THEIRS[option.name]
    assert set(other.opts) <= set(mine.opts)
    assert set(other.secondary_opts) <= set(mine.secondary_opts)
    assert getattr(mine, "multiple", False) == getattr(other, "multiple", False)
    assert getattr(mine, "is_flag", False) == getattr(other, "is_flag", False)
    if option.name not in WIDER:
        assert KINDS[option.type] == kind(other)


@pytest.mark.parametrize("option", SHARED, ids=lambda option: option.name)
def test_defaults_are_the_same(option: Option) -> None:
    if option.argument:
        return
    with theirs.make_context("uvicorn", ["m:app"]) as context:
        default = context.params[option.name]
    nothing = (None, "", ())  # an application directory is the current one either way
    assert option.default == default or (option.default in nothing and default in nothing)


@pytest.mark.parametrize("option", SHARED, ids=lambda option: option.name)
def test_every_choice_of_uvicorn_is_taken_or_told_of(option: Option) -> None:
    choices = THEIRS[option.name].type
    if isinstance(choices, click.Choice):
        refused = [choice for choice in choices.choices if choice not in BY_NAME[option.name].choices]
        assert [choice for choice in refused if f"`{choice}`" not in option.uvicorn] == []
