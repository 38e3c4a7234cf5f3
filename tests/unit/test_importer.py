"""fastserve/importer.py: from an import string to an application, or to one line that says why not."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from fastserve.errors import StartupError
from fastserve.importer import load_application, without_our_frames


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


def failure(app: Any, factory: bool = False) -> StartupError:
    with pytest.raises(StartupError) as raised:
        load_application(app, factory)
    assert "\n" not in str(raised.value)
    return raised.value


def test_an_object_is_itself() -> None:
    instance = Application()
    assert load_application(application, False) is application
    assert load_application(instance, False) is instance


def test_an_import_string_may_reach_into_attributes(module: Any) -> None:
    name = module("class box:\n  class inner:\n    async def app(scope, receive, send): ...\n")
    assert load_application(f"{name}:box.inner.app", False).__name__ == "app"


@pytest.mark.parametrize("text", ["app", "app:", ":app", ""])
def test_an_import_string_has_two_parts(text: str) -> None:
    error = failure(text)
    assert str(error) == (
        f'Error loading ASGI app. Import string "{text}" must be in format "<module>:<attribute>".'
    )
    assert error.__cause__ is None


@pytest.mark.parametrize("name", ["no_such_module", "no_such_package.module", "json.no_such_module"])
def test_a_module_that_is_missing(name: str) -> None:
    error = failure(f"{name}:app")
    assert str(error) == f'Error loading ASGI app. Could not import module "{name}".'
    assert error.__cause__ is None


def test_an_attribute_that_is_missing() -> None:
    error = failure("json:no.such")
    assert str(error) == 'Error loading ASGI app. Attribute "no.such" not found in module "json".'
    assert error.__cause__ is None


def test_what_is_not_callable(module: Any) -> None:
    assert str(failure(f"{module('app = 7')}:app")).endswith(':app" is not callable, it is of type int.')
    assert str(failure(7)).endswith('"int" is not callable, it is of type int.')


def test_a_module_that_needs_a_missing_one_is_to_blame(module: Any) -> None:
    name = module("import no_such_dependency")
    error = failure(f"{name}:app")
    assert str(error) == (
        f'Error loading ASGI app. Module "{name}" failed. '
        "ModuleNotFoundError: No module named 'no_such_dependency'"
    )
    assert isinstance(error.__cause__, ModuleNotFoundError)


def test_the_traceback_begins_in_the_application(module: Any) -> None:
    name = module("def configure():\n    return 1 / 0\n\nconfigure()\n")
    cause = failure(f"{name}:app").__cause__
    assert cause is not None
    frames = traceback.extract_tb(without_our_frames(cause.__traceback__))
    assert [frame.name for frame in frames] == ["<module>", "configure"]


def test_a_syntax_error_has_no_frame_of_the_application(module: Any) -> None:
    cause = failure(f"{module('def (')}:app").__cause__
    assert isinstance(cause, SyntaxError)
    assert without_our_frames(cause.__traceback__) is None


def test_a_factory_is_called(module: Any) -> None:
    name = module("def make():\n    async def app(scope, receive, send): ...\n    return app\n")
    assert load_application(f"{name}:make", True).__name__ == "app"


def test_a_factory_is_recognised_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(load_application(lambda: Application(), False), Application)
    assert "consider setting the --factory flag" in caplog.text


def test_a_factory_that_fails_is_to_blame() -> None:
    def make() -> None:
        raise LookupError("no settings")

    error = failure(make, factory=True)
    assert str(error).endswith('make". LookupError: no settings')
    assert isinstance(error.__cause__, LookupError)


def test_a_factory_that_wants_arguments() -> None:
    error = failure(application, factory=True)
    assert 'factory "application". TypeError: ' in str(error)
    # Nothing of the application's ran, so there is nothing of it to show.
    assert error.__cause__ is not None
    assert without_our_frames(error.__cause__.__traceback__) is None


def test_a_factory_that_returns_no_application() -> None:
    assert str(failure(lambda: 7)).endswith(
        'The factory "test_a_factory_that_returns_no_application.<locals>.<lambda>" returned a int.'
    )
