"""fastserve/importer.py: from an import string to an application, or to one line that says why not."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from fastserve.errors import StartupError
from fastserve.importer import import_application, make_application, without_our_frames


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """Call it with a text for an importable module of that text; returns the module's name."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(text: str) -> str:
        name = f"application_{len(made)}"
        (tmp_path / f"{name}.py").write_text(text)
        made.append(name)
        return name

    yield make
    for name in made:
        sys.modules.pop(name, None)


async def application(scope: Any, receive: Any, send: Any) -> None: ...


class Application:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


def import_failure(import_string: str) -> StartupError:
    with pytest.raises(StartupError) as raised:
        import_application(import_string)
    assert "\n" not in str(raised.value)
    return raised.value


def make_failure(app: Any, factory: bool = False) -> StartupError:
    with pytest.raises(StartupError) as raised:
        make_application(app, factory)
    return raised.value


def test_an_import_string_may_reach_into_attributes(module: Any) -> None:
    name = module("class box:\n  class inner:\n    async def app(scope, receive, send): ...\n")
    assert import_application(f"{name}:box.inner.app").__name__ == "app"


@pytest.mark.parametrize("text", ["app", "app:", ":app", ""])
def test_an_import_string_has_two_parts(text: str) -> None:
    error = import_failure(text)
    assert str(error) == (
        f'Error loading ASGI app. Import string "{text}" must be in format "<module>:<attribute>".'
    )
    assert error.__cause__ is None


@pytest.mark.parametrize("name", ["no_such_module", "no_such_package.module", "json.no_such_module"])
def test_a_module_that_is_missing(name: str) -> None:
    error = import_failure(f"{name}:app")
    assert str(error) == f'Error loading ASGI app. Could not import module "{name}".'
    assert error.__cause__ is None


def test_an_attribute_that_is_missing() -> None:
    error = import_failure("json:no.such")
    assert str(error) == 'Error loading ASGI app. Attribute "no.such" not found in module "json".'
    assert error.__cause__ is None


def test_a_module_that_needs_a_missing_one_is_to_blame(module: Any) -> None:
    name = module("import no_such_dependency")
    error = import_failure(f"{name}:app")
    assert str(error) == (
        f'Error loading ASGI app. Module "{name}" failed. '
        "ModuleNotFoundError: No module named 'no_such_dependency'"
    )
    assert isinstance(error.__cause__, ModuleNotFoundError)


def test_the_traceback_begins_in_the_application(module: Any) -> None:
    name = module("def configure():\n    return 1 / 0\n\nconfigure()\n")
    cause = import_failure(f"{name}:app").__cause__
    assert cause is not None
    frames = traceback.extract_tb(without_our_frames(cause.__traceback__))
    assert [frame.name for frame in frames] == ["<module>", "configure"]


def test_a_syntax_error_has_no_frame_of_the_application(module: Any) -> None:
    cause = import_failure(f"{module('def (')}:app").__cause__
    assert isinstance(cause, SyntaxError)
    assert without_our_frames(cause.__traceback__) is None


async def takes_anything(*arguments: Any) -> None: ...


@pytest.mark.parametrize(
    "app", [application, Application(), takes_anything, type("C", (), {"__call__": application})()]
)
def test_an_application_is_itself(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert make_application(app, False) is app
    assert caplog.text == ""


def test_what_is_not_callable() -> None:
    error = make_failure(7)
    assert str(error) == "Error loading ASGI app. It is of type int, which is not callable."


def test_a_factory_is_called(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(make_application(Application, True), Application)
    assert caplog.text == ""


@pytest.mark.parametrize("factory", [Application, lambda: Application(), lambda setting=1: Application()])
def test_a_factory_is_recognised_and_said_so(factory: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(make_application(factory, False), Application)
    assert "consider setting the --factory flag" in caplog.text


def test_a_factory_that_fails_is_to_blame() -> None:
    def make() -> None:
        raise LookupError("no settings")

    error = make_failure(make, factory=True)
    assert str(error) == "Error loading ASGI app factory. LookupError: no settings"
    assert isinstance(error.__cause__, LookupError)


def test_a_factory_that_wants_arguments() -> None:
    error = make_failure(application, factory=True)
    assert str(error).startswith("Error loading ASGI app factory. TypeError: application() missing 3 ")
    # Nothing of the application's ran, so there is nothing of it to show.
    assert error.__cause__ is not None
    assert without_our_frames(error.__cause__.__traceback__) is None


def test_a_factory_that_returns_no_application() -> None:
    error = make_failure(lambda: 7, factory=True)
    assert (
        str(error)
        == "Error loading ASGI app. The factory returned an object of type int, which is not callable."
    )
