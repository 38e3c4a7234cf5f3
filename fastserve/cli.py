"""What does the command line say?

The command `fastserve` is made from the table of options: flags, help by subject, and the environment
variables that stand in for flags that are not given. Click splits the words; the table judges the values,
whatever their source.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from fastserve._version import __version__
from fastserve.errors import OptionError
from fastserve.options import GROUPS, OPTIONS, Option

__all__ = ["chosen", "command", "main"]


class _Command(click.Command):
    """A command whose help shows the options by subject, each with its default."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, title in GROUPS.items():
            rows = [(_shown(option), _explained(option)) for option in OPTIONS if option.group == group]
            with formatter.section(title):
                formatter.write_dl(rows)
        with formatter.section("Other"):
            formatter.write_dl(
                [("--version", "Show the version and exit."), ("--help", "Show this page and exit.")]
            )


def _shown(option: Option) -> str:
    if option.argument or option.type is bool:
        return option.spelling
    if option.choices:
        return f"{option.spelling} [{'|'.join(option.choices)}]"
    value = "Name:Value" if option.repeatable else (option.unit or option.type.__name__).upper()
    return f"{option.spelling} {value}"


def _explained(option: Option) -> str:
    if option.default in (None, (), "") or option.type is bool:
        return option.help
    default = option.default if isinstance(option.default, str) else f"{option.default:g}"
    return f"{option.help} [default: {default}]"


def _parameter(option: Option) -> click.Parameter:
    """Return the row as a parameter that keeps the text as it is, and is None where it is not given."""
    if option.argument:
        return click.Argument([option.name], required=False, metavar=option.spelling)
    names = [option.name, option.spelling]
    if option.type is bool:
        return click.Option(names, is_flag=True, default=None)
    return click.Option(names, multiple=option.repeatable, default=None)


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    import platform

    python = f"{platform.python_implementation()} {platform.python_version()}"
    click.echo(f"Running fastserve {__version__} with {python} on {platform.system()}")
    ctx.exit()


def chosen(given: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the options that the command line gives, or else the environment. Raises OptionError.

    An empty variable counts as unset; one that the command line overrides is not judged.
    """
    options = {}
    for option in OPTIONS:
        if given.get(option.name) not in (None, ()):
            options[option.name] = option.convert(given[option.name], option.spelling)
        elif environment.get(option.environment):
            options[option.name] = option.convert(environment[option.environment], option.environment)
    return options


def _serve(**given: Any) -> None:
    try:
        options = chosen(given, os.environ)
    except OptionError as error:
        raise click.UsageError(str(error)) from None
    if "app" not in options:
        raise click.UsageError("Missing argument 'APP'.")
    options.setdefault("app_dir", "")
    from fastserve.server import run

    run(**options)


command = _Command(
    "fastserve",
    callback=_serve,
    params=[
        *(_parameter(option) for option in OPTIONS),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_show_version,
            help="Show the version.",
        ),
    ],
    help="Serve the ASGI application APP, named as MODULE:ATTRIBUTE.",
    epilog="An environment variable may stand for an option: FASTSERVE_PORT=8080 for --port 8080.",
)


def main() -> None:
    """The console script. Exits with status 2 for a bad option, 3 if the server cannot start."""
    command.main(prog_name="fastserve")
