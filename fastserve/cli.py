"""What does the command line say?

The command `fastserve` is made from the table of options: flags, help by subject, completion in a shell.
Click splits the words; `sources.py` finds what they leave open, and the table judges the values.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from fastserve._version import __version__
from fastserve.errors import OptionError
from fastserve.options import GROUPS, OPTIONS, Option, unknown
from fastserve.sources import CONFIG_VARIABLE, Setting, collect, read_config_file, render

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["command", "main"]


class _Command(click.Command):
    """A command whose help shows the options by subject, each with its default."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, title in GROUPS.items():
            rows = [(_shown(option), _explained(option)) for option in OPTIONS if option.group == group]
            with formatter.section(title):
                formatter.write_dl(rows)
        with formatter.section("Other"):
            own = [option.get_help_record(ctx) for option in _OWN]
            formatter.write_dl([*filter(None, own), ("--help", "Show this page and exit.")])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, except that the nearest of an unknown option's names is told as elsewhere."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            flags = [flag for param in self.get_params(ctx) for flag in (*param.opts, *param.secondary_opts)]
            names = [flag for flag in flags if flag.startswith("--")]
            raise click.UsageError(unknown(error.option_name, names), ctx) from None


def _shown(option: Option) -> str:
    if option.argument or option.is_switch:
        return option.spelling
    if option.choices and not option.listed:
        own = "|MODULE:ATTRIBUTE" if option.importable else ""
        return f"{option.spelling} [{'|'.join(option.choices)}{own}]"
    value = "Name:Value" if option.paired else _kind(option)
    return f"{option.spelling} {value}"


def _kind(option: Option) -> str:
    if option.type is str:
        return (
            "LIST"
            if option.listed
            else option.unit.removeprefix("a ").upper()
            if option.repeatable
            else "TEXT"
        )
    return "true|false" if option.valued else (option.unit or option.type.__name__).upper()


def _explained(option: Option) -> str:
    if option.default in (None, (), "") or option.is_switch:
        return option.help
    default = f"{option.default:g}" if option.type in (int, float) else str(option.default).lower()
    return f"{option.help} [default: {default}]"


def _parameter(option: Option) -> click.Parameter:
    """Return the row as a parameter that keeps the text as it is, and is None where it is not given."""
    if option.argument:
        return click.Argument([option.name], required=False, metavar=option.spelling)
    names = [option.name, option.spelling]
    if option.is_switch:
        return click.Option(names, is_flag=True, default=None)
    return click.Option(
        names, multiple=option.repeatable, default=None, shell_complete=_completion(option.choices)
    )


def _completion(
    choices: tuple[str, ...],
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem | str]] | None:
    """Return what completes a value in a shell: one of the choices, or whatever the shell finds."""
    if not choices:
        return None
    return lambda ctx, param, begun: [choice for choice in choices if choice.startswith(begun)]


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    import platform

    python = f"{platform.python_implementation()} {platform.python_version()}"
    click.echo(f"Running fastserve {__version__} with {python} on {platform.system()}")
    ctx.exit()


def _serve(config: str | None, check: bool, print_config: bool, **given: Any) -> None:
    environment = dict(os.environ)  # without what --env-file brings: that is for the application

    def settings_now() -> dict[str, Setting]:
        file = read_config_file(config or environment.get(CONFIG_VARIABLE) or None)
        settings = collect(given, environment, file)
        # Unlike a program that embeds the server, the command looks for the application where it is started.
        settings.setdefault("app_dir", Setting("", "default"))
        return settings

    try:
        settings = settings_now()
    except OptionError as error:
        raise click.UsageError(str(error)) from None
    if print_config:
        click.echo(render(settings), nl=False)
        if not check:
            return
    from fastserve import serving

    try:
        if check:
            serving.check(**_values(settings))
        else:
            serving.run_again(lambda: _values(settings_now()))
    except OptionError as error:
        raise click.UsageError(str(error)) from None


def _values(settings: dict[str, Setting]) -> dict[str, Any]:
    if "app" not in settings:
        raise OptionError("Missing argument 'APP'.")
    return {name: setting.value for name, setting in settings.items()}


#: What the command has beside the table of options: what these flags do is no property of a server.
_OWN = (
    click.Option(
        ["--config"],
        metavar="FILE",
        help="Read options from this file, TOML or Python, instead of [tool.fastserve] in ./pyproject.toml.",
    ),
    click.Option(["--check"], is_flag=True, help="Judge the options and import APP, but do not serve."),
    click.Option(
        ["--print-config"], is_flag=True, help="Show each option's value and where it came from, and exit."
    ),
    click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_show_version,
        help="Show the version and exit.",
    ),
)

command = _Command(
    "fastserve",
    callback=_serve,
    params=[*(_parameter(option) for option in OPTIONS), *_OWN],
    help="Serve the ASGI or WSGI application APP, named as MODULE:ATTRIBUTE.",
    epilog="fastserve ctl speaks to a running server, fastserve bench measures an application: see "
    "fastserve ctl --help and fastserve bench --help. fastserve top shows what a running server does.\n\n"
    "An environment variable may stand for an option: FASTSERVE_PORT=8080 for --port 8080. "
    "It goes before the configuration file, and the command line before it.",
)


def main(args: Sequence[str] | None = None) -> None:
    """The console script, or a command line from a program: its words, without the command's name.

    Exits with status 2 for a bad option, 3 if the server cannot start.
    """
    words = sys.argv[1:] if args is None else [*args]
    if words[:1] == ["top"]:
        from fastserve import ctl

        ctl.top(words[1:], dict(os.environ))
    if words[:1] == ["ctl"]:
        from fastserve import ctl

        ctl.command(words[1:], dict(os.environ))
    if words[:1] == ["bench"]:
        from fastserve import bench

        bench.command(words[1:], dict(os.environ))
    command.main(words, prog_name="fastserve")
