"""What does `fastserve bench` do? It measures the user's own application, here and under another server."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import click

from fastserve.measure import kernel, wrk
from fastserve.measure.duel import Contender, Ground, check_same, verdict
from fastserve.measure.interrupts import interrupts
from fastserve.measure.spread import Spread, Void

__all__ = ["command"]

#: How other servers are started with an application: what their users would write, without an access log.
COMMANDS = {
    "uvicorn": "{python} -m uvicorn {app} --app-dir {dir} --port {port} --no-access-log",
    "granian": "{python} -m granian --interface asgi --working-dir {dir} --port {port} --no-access-log {app}",
}

COLUMNS = (
    ("requests_per_s", "requests/s", ",.0f"),
    ("p50_ms", "p50 ms", ".2f"),
    ("p99_ms", "p99 ms", ".2f"),
    ("p999_ms", "p99.9 ms", ".2f"),
    ("memory_mb", "memory MB", ".1f"),
)

SATURATED = 0.95


def command(words: Sequence[str], environment: dict[str, str]) -> None:
    """Run `fastserve bench`. Exits with 1 where nothing can be measured, with 2 if the words are wrong."""
    _bench.main([*words], prog_name="fastserve bench", obj=environment)


@click.command(
    help="Measure the application APP under fastserve, and under another server in turn. A request is a "
    "GET of --path; each server has one core, wrk another. OPTIONS behind -- are fastserve's own.",
)
@click.argument("app")
@click.argument("options", nargs=-1)
@click.option(
    "--against",
    metavar="SERVER",
    help=f"Another server: {', '.join(COMMANDS)}, or a command with {{port}}, as 'hypercorn {{app}} -b "
    "127.0.0.1:{port}'.",
)
@click.option("--path", default="/", show_default=True, help="What to ask for; it has to answer 200.")
@click.option("--app-dir", default=".", show_default=True, help="Where APP is.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How many rounds.")
@click.option(
    "--seconds", type=click.IntRange(min=1), default=2, show_default=True, help="How long wrk runs in each."
)
@click.option(
    "--connections", type=click.IntRange(min=1), default=64, show_default=True, help="How many connections."
)
@click.pass_obj
def _bench(
    environment: dict[str, str],
    app: str,
    options: tuple[str, ...],
    against: str | None,
    path: str,
    app_dir: str,
    rounds: int,
    seconds: int,
    connections: int,
) -> None:
    server_core, load_core = _cores()
    if not wrk.installed():
        raise click.ClickException("wrk is missing: install it (apt install wrk, dnf install wrk).")
    directory = os.path.abspath(app_dir)
    contenders = [Contender("fastserve", _ours(app, directory, options))]
    if against is not None:
        contenders.append(Contender(_name(against), _theirs(against, app, directory)))
    interrupts.install()
    os.sched_setaffinity(0, {load_core})  # wrk inherits it
    with tempfile.TemporaryDirectory(prefix="fastserve-bench-") as scratch:
        ground = Ground(path, connections, seconds, Path(scratch), server_core, environment)
        try:
            _measure(contenders, ground, rounds)
        except Void as reason:
            raise click.ClickException(f"Nothing can be said: {reason}") from None
        except KeyboardInterrupt:
            raise click.ClickException("Interrupted; no server is left running.") from None
    _show(contenders)
    if len(contenders) > 1:
        click.echo(f"\n{verdict(*contenders)}")


def _measure(contenders: list[Contender], ground: Ground, rounds: int) -> None:
    for number in range(rounds):
        for contender in contenders[:: -1 if number % 2 else 1]:
            try:
                cost = contender.measure(ground)
            except (Void, OSError) as reason:
                raise Void(f"{contender.name}: {reason}") from None
            click.echo(f"round {number + 1}  {contender.name:<12} {cost.cpu_us:10.2f} µs a request", err=True)
        check_same(contenders)


def _cores() -> tuple[int, int]:
    if sys.platform != "linux":
        raise click.ClickException("This reads Linux's /proc.")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise click.ClickException("This needs two cores: one for the server, one for wrk.")
    return cores[0], cores[1]


def _ours(app: str, directory: str, options: tuple[str, ...]) -> Callable[[int], list[str]]:
    words = [sys.executable, "-m", "fastserve", app, "--app-dir", directory, "--no-access-log", *options]
    return lambda port: [*words, "--port", str(port)]


def _name(against: str) -> str:
    return against if against in COMMANDS else shlex.split(against)[0].rpartition("/")[2]


def _theirs(against: str, app: str, directory: str) -> Callable[[int], list[str]]:
    template = COMMANDS.get(against, against)
    if "{port}" not in template:
        raise click.UsageError(
            f"--against {against}: that is none of {', '.join(COMMANDS)}, and no command with {{port}}."
        )
    if against in COMMANDS and find_spec(against) is None:
        raise click.ClickException(f"{against} is missing: pip install {against}.")
    if against == "uvicorn" and not (find_spec("httptools") and find_spec("uvloop")):
        click.echo("uvicorn is without its faster parts here: pip install 'uvicorn[standard]'.", err=True)

    def words(port: int) -> list[str]:
        values = {"python": sys.executable, "app": app, "dir": directory, "port": port}
        return [word.format(**values) for word in shlex.split(template)]

    return words


def _show(contenders: list[Contender]) -> None:
    machine = kernel.machine()
    click.echo(f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}")
    click.echo(f"{'':<12}{'CPU per request, µs':>26}" + "".join(f"{title:>12}" for _, title, _ in COLUMNS))
    for contender in contenders:
        cpu = Spread.of(contender.cpu_us)
        shown = f"{cpu.median:.2f} ({cpu.low:.2f}–{cpu.high:.2f})"
        cells = [format(contender.spread(name).median, form) for name, _, form in COLUMNS]
        click.echo(f"{contender.name:<12}{shown:>26}" + "".join(f"{cell:>12}" for cell in cells))
    if any(contender.spread("load_busy").median >= SATURATED for contender in contenders):
        click.echo("wrk's core was busy: requests/s and latency are wrk's limit, CPU per request is not.")
    if any(contender.disturbed for contender in contenders):
        click.echo("Other processes had the server's core for more than a tenth of a round: measure again.")
