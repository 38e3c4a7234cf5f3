"""fastserve/config.py: what the user asked for, judged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

import fastserve
from fastserve.config import HTTP_IMPLEMENTATIONS, LOOP_FACTORIES, Config
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


@pytest.mark.parametrize("name", HTTP_IMPLEMENTATIONS)
def test_each_http_implementation_makes_protocols(name: str) -> None:
    assert hasattr(Config(app, http=name).get_http_protocol(), "data_received")


def test_the_package_imports_lazily_and_names_what_it_has() -> None:
    assert set(fastserve.__all__) <= set(dir(fastserve))
    for name in fastserve.__all__:
        assert getattr(fastserve, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        fastserve.nothing  # noqa: B018
    assert issubclass(fastserve.OptionError, ValueError)
