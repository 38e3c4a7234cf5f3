"""What does `fastserve ctl` ask of a running server, and how is the answer shown?"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any

import click

from fastserve.errors import OptionError
from fastserve.options import BY_NAME
from fastserve.sources import CONFIG_VARIABLE, collect, read_config_file

__all__ = ["command", "top"]

TIMEOUT_S = 10.0


def command(words: Sequence[str], environment: dict[str, str]) -> None:
    """Run a command of `fastserve ctl`. Exits with 1 if nobody answers, with 2 if the words are wrong."""
    _group.main([*words], prog_name="fastserve ctl", obj=environment)


@click.group(help="Ask a server that runs with --control-socket how it is, or to do something.")
@click.option("--socket", "path", metavar="PATH", help="The server's --control-socket, if no file names it.")
@click.option("--config", metavar="FILE", help="The configuration file that names it.")
@click.pass_context
def _group(context: click.Context, path: str | None, config: str | None) -> None:
    context.obj = _socket(path, config, context.obj)


def _socket(path: str | None, config: str | None, environment: dict[str, str]) -> str:
    try:
        if path is None:
            file = read_config_file(config or environment.get(CONFIG_VARIABLE) or None)
            setting = collect({}, environment, file).get("control_socket")
            path = setting.value if setting is not None else None
    except OptionError as error:
        raise click.UsageError(str(error)) from None
    if path is None:
        variable = BY_NAME["control_socket"].environment
        raise click.UsageError(f"Which server? Name its socket: --socket, {variable} or a file.")
    return path


def top(words: Sequence[str], environment: dict[str, str]) -> None:
    """Run `fastserve top`. Exits as `command()` does."""
    _top.main([*words], prog_name="fastserve top", obj=environment)


@click.command(help="Watch a server that runs with --control-socket; end with Ctrl+C.")
@click.option("--socket", "path", metavar="PATH", help="The server's --control-socket, if no file names it.")
@click.option("--config", metavar="FILE", help="The configuration file that names it.")
@click.option(
    "--rounds", type=click.IntRange(min=1), help="Look so many times, a second apart, and print the last."
)
@click.option("--svg", "picture", metavar="FILE", help="Write a picture of that, too.")
@click.pass_obj
def _top(
    environment: dict[str, str], path: str | None, config: str | None, rounds: int | None, picture: str | None
) -> None:
    try:
        from fastserve.top import watch
    except ModuleNotFoundError:
        raise click.ClickException("fastserve top needs rich: pip install 'fastserve[top]'.") from None
    if picture is not None and rounds is None:
        raise click.UsageError("--svg is for --rounds.")
    where = _socket(path, config, environment)
    watch(lambda what: _ask(where, do=what), rounds, picture)


def _ask(path: str, **request: Any) -> dict[str, Any]:
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect(path)
            sock.sendall(json.dumps(request).encode() + b"\n")
            data = b"".join(iter(lambda: sock.recv(65536), b""))
    except OSError as error:
        raise click.ClickException(f"No server answers at {path}: {error.strerror or error}") from None
    try:
        answer: dict[str, Any] = json.loads(data)
    except ValueError:
        raise click.ClickException(f"The server at {path} has given no answer.") from None
    if "error" in answer:
        raise click.ClickException(answer["error"])
    return answer


_json = click.option("--json", "as_json", is_flag=True, help="For a program.")


@_group.command(help="How the server is.")
@_json
@click.pass_obj
def status(path: str, as_json: bool) -> None:
    answer = _ask(path, do="status")
    if as_json:
        click.echo(json.dumps(answer))
        return
    serving = sum(worker["state"] == "serving" for worker in answer["workers"])
    click.echo(f"{answer['state']}: {serving} of {answer['wanted']} workers serve on {answer['address']}")
    click.echo(f"parent process {answer['pid']}, up {_span(answer['age_s'])}, fastserve {answer['version']}")
    _show(answer["workers"])


@_group.command(help="The worker processes.")
@_json
@click.pass_obj
def workers(path: str, as_json: bool) -> None:
    found = _ask(path, do="status")["workers"]
    if as_json:
        click.echo(json.dumps(found))
    else:
        _show(found)


def _show(found: list[dict[str, Any]]) -> None:
    titles = f"{'pid':>8} {'state':<9} {'for':>8} {'requests':>10} {'connections':>12} {'memory':>9}"
    if any("wsgi" in worker for worker in found):
        titles += f" {'threads':>9} {'waiting':>8} {'longest':>8}"
    click.echo(titles)
    for worker in found:
        line = f"{worker['pid']:>8} {worker['state']:<9} {_span(worker['age_s']):>8} {worker['requests']:>10}"
        line += f" {worker['connections']:>12} {worker['memory_bytes'] / 2**20:>6.1f} MB"
        click.echo(line + _of_threads(worker.get("wsgi")))


def _of_threads(load: dict[str, Any] | None) -> str:
    """Of a WSGI application: busy threads of all, requests that wait for one, and for how long."""
    if load is None:
        return ""
    threads = f"{load['busy']}/{load['threads']}"
    return f" {threads:>9} {load['waiting']:>8} {load['longest_wait_s']:>6.1f} s"


def _span(time_s: float) -> str:
    for unit, length_s in (("d", 86400), ("h", 3600), ("min", 60)):
        if time_s >= 2 * length_s:
            return f"{time_s / length_s:.0f} {unit}"
    return f"{time_s:.0f} s"


@_group.command(help="The requests in hand: for how long, and where the application waits or runs.")
@_json
@click.pass_obj
def requests(path: str, as_json: bool) -> None:
    found = _ask(path, do="requests")["workers"]
    if as_json:
        click.echo(json.dumps(found))
        return
    for pid, told in found.items():
        if told is None:
            click.echo(f"process {pid} does not answer: something keeps its interpreter")
            continue
        click.echo(f"process {pid}: {len(told)} request{'' if len(told) == 1 else 's'}")
        for one in told:
            age = "" if one["age_s"] is None else f", for {one['age_s']:.1f} s"
            client = "" if one["client"] is None else f", from {one['client']}"
            line = f"{one['method']} {one['path']} {one['doing']}{age}{client}"
            click.echo("  " + line.encode("unicode_escape").decode("ascii"))
            for place in one["where"]:
                click.echo(f"      {place}")


@_group.command(help="Replace the workers, one by one, with a configuration that is read again; as HUP.")
@click.pass_obj
def reload(path: str) -> None:
    _ask(path, do="reload")


@_group.command(help="Change the number of workers.")
@click.argument("count", type=click.IntRange(min=1))
@click.pass_obj
def scale(path: str, count: int) -> None:
    _ask(path, do="scale", count=count)


@_group.command(help="Open log files again; as USR1.")
@click.pass_obj
def reopen(path: str) -> None:
    _ask(path, do="reopen")


@_group.command(help="End, gracefully; as TERM.")
@click.pass_obj
def stop(path: str) -> None:
    _ask(path, do="stop")
