"""fastserve/config.py: what the user asked for, judged."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fastserve
from fastserve.asgi.asgi2 import ASGI2Adapter
from fastserve.config import HTTP_IMPLEMENTATIONS, LOOP_FACTORIES, STAND_INS, Config
from fastserve.core import CORES, find
from fastserve.errors import OptionError, StartupError
from fastserve.options import BY_NAME, OPTIONS, UVICORN_OPTIONS


async def app(scope: Any, receive: Any, send: Any) -> None: ...


def test_defaults_are_those_of_the_table() -> None:
    config = Config(app)
    for option in OPTIONS:
        if not option.argument:
            assert getattr(config, option.name) == (
                list(option.default) if option.repeatable else option.default
            )
    assert config.app is app
    assert not config.loaded


def test_values_are_converted() -> None:
    config = Config(app, port="81", timeout_keep_alive=2, headers=[("X-A", "ä")])
    assert config.port == 81
    assert type(config.timeout_keep_alive) is float
    assert config.encoded_headers == [(b"x-a", b"\xe4")]


def test_a_bad_value_names_the_option() -> None:
    with pytest.raises(
        OptionError, match="Invalid value for port: 70000 is not a whole number from 0 to 65535"
    ):
        Config(app, port=70000)


def test_options_of_logs_that_do_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="log_config and access_log_file exclude each other"):
        Config(app, log_config={"version": 1}, access_log_file="a.log")
    with pytest.raises(OptionError, match="log_rotate is for access_log_file and error_log_file"):
        Config(app, log_rotate="daily")
    with pytest.raises(OptionError, match=f"Invalid value for error_log_file: '{tmp_path}': Is a directory"):
        Config(app, error_log_file=str(tmp_path))


@pytest.mark.parametrize(("name", "hint"), [("prot", " Did you mean port?"), ("zzz", "")])
def test_an_unknown_option_is_named_with_its_nearest(name: str, hint: str) -> None:
    with pytest.raises(OptionError) as raised:
        Config(app, **{name: 1})
    assert str(raised.value) == f"Unknown option: {name}.{hint}"


def test_an_option_of_uvicorn_that_is_to_come_is_told_as_such() -> None:
    to_come = sorted(UVICORN_OPTIONS - {*BY_NAME})
    for name in to_come:
        with pytest.raises(OptionError) as raised:
            Config(app, **{name: 1})
        assert str(raised.value) == f"{name} is an option of uvicorn that fastserve does not have yet."


def test_two_configs_do_not_share_headers() -> None:
    first = Config(app)
    first.headers.append(("x-a", "1"))
    assert Config(app).headers == []


def test_app_dir_is_where_the_application_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config_app_in_a_directory.py").write_text("def app(scope, receive, send): ...")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.chdir(tmp_path.parent)
    config = Config("config_app_in_a_directory:app", app_dir=tmp_path.name)
    config.load()
    config.load()
    assert config.loaded
    assert config.loaded_app.__name__ == "app"
    assert sys.path.count(str(tmp_path)) == 1


def test_without_app_dir_the_search_path_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.path.copy()
    Config(app).load()
    assert sys.path == before


@pytest.mark.parametrize("name", LOOP_FACTORIES)
def test_each_loop_runs(name: str) -> None:
    if name == "uvloop":
        pytest.importorskip("uvloop")
    loop = Config(app, loop=name).get_loop_factory()()
    try:
        assert type(loop).__module__.startswith("uvloop" if name == "uvloop" else "asyncio")
        assert loop.run_until_complete(asyncio.sleep(0, "ran")) == "ran"
    finally:
        loop.close()


def without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)


def test_auto_takes_uvloop_where_it_is_installed() -> None:
    uvloop = pytest.importorskip("uvloop")
    assert Config(app).get_loop_factory() is uvloop.new_event_loop


def test_auto_takes_asyncio_where_uvloop_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    without_uvloop(monkeypatch)
    assert Config(app).get_loop_factory() is asyncio.SelectorEventLoop


def test_a_loop_that_is_asked_for_and_missing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    without_uvloop(monkeypatch)
    with pytest.raises(StartupError, match="Cannot use --loop uvloop: "):
        Config(app, loop="uvloop").get_loop_factory()


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, (values, _) in STAND_INS.items() for value in values]
)
def test_a_part_of_uvicorn_has_a_stand_in_and_a_line(
    name: str, value: str, lines: Callable[[], list[str]]
) -> None:
    config = Config(app, **{name: value})
    assert lines() == [f"--{name} {value}: {STAND_INS[name][1]}"]
    assert config.get_loop_factory() == Config(app).get_loop_factory()
    assert config.get_http_protocol() == Config(app).get_http_protocol()


def test_parts_of_ours_need_no_line(lines: Callable[[], list[str]]) -> None:
    Config(app, loop="asyncio", http="cython", ws="auto")
    assert lines() == []


def test_http2_is_told_as_coming() -> None:
    with pytest.raises(OptionError, match=r"^HTTP/2 is not there yet"):
        Config(app, http2=True)


def test_h11s_limit_sets_ours(lines: Callable[[], list[str]]) -> None:
    config = Config(app, h11_max_incomplete_event_size=1000)
    assert (config.request_line_bytes_max, config.header_bytes_max) == (1000, 1000)
    config = Config(app, h11_max_incomplete_event_size=1000, header_bytes_max=2000)
    assert (config.request_line_bytes_max, config.header_bytes_max) == (1000, 2000)
    Config(app, h11_max_incomplete_event_size=1000, header_bytes_max=2000, request_line_bytes_max=3000)
    flag = "--h11-max-incomplete-event-size 1000: "
    assert lines() == [
        flag + "request_line_bytes_max and header_bytes_max set to 1000",
        flag + "request_line_bytes_max set to 1000",
        flag + "overridden by our own limits",
    ]


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A directory with a module of the user's, `own_parts`, and one that fails."""
    (tmp_path / "own_parts.py").write_text("import asyncio\nloop = asyncio.new_event_loop\nnumber = 7\n")
    (tmp_path / "broken_parts.py").write_text("1 / 0")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    yield str(tmp_path)
    sys.modules.pop("own_parts", None)


def test_parts_of_the_users_own(parts: str) -> None:
    config = Config(app, app_dir=parts, loop="own_parts:loop", http="own_parts:asyncio.Protocol")
    assert config.get_loop_factory() is asyncio.new_event_loop
    assert config.get_http_protocol() is asyncio.Protocol
    config = Config(app, loop=asyncio.new_event_loop, http=asyncio.Protocol)
    assert config.get_loop_factory() is asyncio.new_event_loop
    assert config.get_http_protocol() is asyncio.Protocol


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("nowhere:x", "No module named 'nowhere'"),
        ("own_parts:x", "module 'own_parts' has no attribute 'x'"),
        ("own_parts:number", "it is not callable"),
        ("broken_parts:x", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_part_that_cannot_be_had_is_a_failure(parts: str, value: str, reason: str) -> None:
    config = Config(app, app_dir=parts, loop=value, http=value)
    for name, get in (("loop", config.get_loop_factory), ("http", config.get_http_protocol)):
        with pytest.raises(StartupError) as raised:
            get()
        assert str(raised.value) == f"Cannot use --{name} {value}: {reason}"
        assert (raised.value.__cause__ is not None) == value.startswith("broken")


@pytest.mark.parametrize(
    ("interface", "resolved"), [("auto", "asgi2"), ("asgi2", "asgi2"), ("asgi3", "asgi3")]
)
def test_an_application_of_asgi_2_is_adapted(interface: str, resolved: str) -> None:
    def double(scope: Any) -> Any: ...

    config = Config(double, interface=interface)
    config.load()
    assert config.interface == resolved
    assert isinstance(config.loaded_app, ASGI2Adapter) == (resolved == "asgi2")
    config = Config(app)
    config.load()
    assert config.interface == "asgi3"
    assert config.loaded_app is app


# ---- the .env file


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("dotenv")
    monkeypatch.setenv("OF_THE_SHELL", "1")
    monkeypatch.setenv("OF_THE_FILE", "")
    monkeypatch.delenv("OF_THE_FILE")
    path = tmp_path / "settings.env"
    path.write_text("OF_THE_SHELL=2\nOF_THE_FILE='a b'\n")
    return path


def test_an_env_file_sets_variables_that_are_not_set(env_file: Path, lines: Callable[[], list[str]]) -> None:
    Config(app, env_file=env_file)
    assert (os.environ["OF_THE_SHELL"], os.environ["OF_THE_FILE"]) == ("1", "a b")
    assert lines() == [f"Loading environment from '{env_file}'"]


def test_an_env_file_must_be_there(env_file: Path) -> None:
    with pytest.raises(OptionError, match=r"^Invalid value for env_file: there is no file '.*gone'\.$"):
        Config(app, env_file=env_file.with_name("gone"))


def test_an_env_file_needs_dotenv(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dotenv", None)
    with pytest.raises(OptionError, match=r"^env_file needs the package python-dotenv"):
        Config(app, env_file=env_file)


@pytest.mark.parametrize("name", [name for name in HTTP_IMPLEMENTATIONS if name not in CORES])
def test_other_names_of_http_implementations_stand_for_the_first(name: str) -> None:
    assert Config(app, http=name).get_http_protocol() is find("auto").part("connection")


def test_the_package_imports_lazily_and_names_what_it_has() -> None:
    assert set(fastserve.__all__) <= set(dir(fastserve))
    for name in fastserve.__all__:
        assert getattr(fastserve, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        fastserve.nothing  # noqa: B018
    assert issubclass(fastserve.OptionError, ValueError)


@pytest.mark.parametrize("name", ["config", "importer", "logging", "server"])
def test_a_module_is_there_without_an_import_of_its_own(name: str) -> None:
    """`uvicorn.config.LOGGING_CONFIG` behind `import uvicorn` is what many programs have."""
    program = f"""
import sys, fastserve
before = set(sys.modules)
module = fastserve.{name}
assert module.__name__ == "fastserve.{name}" and module.__name__ not in before
assert "{name}" in dir(fastserve)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
