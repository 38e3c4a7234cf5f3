"""Where is the application?

An import string names it; the answer is the application, or one line that says why there is none. What the
application's own code raised on the way is kept as that error's cause: only then is a traceback of use.
"""

from __future__ import annotations

import importlib
import inspect
import os
from types import TracebackType
from typing import Any

from fastserve.errors import StartupError
from fastserve.log import logger

__all__ = ["import_application", "import_attribute", "make_application", "without_our_frames"]

_OUR_DIRECTORY = os.path.dirname(os.path.abspath(__file__)) + os.sep


def import_attribute(import_string: str) -> Any:
    """Return the object that `"module:attribute.attribute"` names. Raises ImportError and AttributeError."""
    module, _, attributes = import_string.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found


def import_application(import_string: str) -> Any:
    """Return what the import string names: the application or its factory. Raises StartupError."""
    module, _, attributes = import_string.partition(":")
    if not module or not attributes:
        raise StartupError(
            f'Error loading ASGI app. Import string "{import_string}" '
            'must be in format "<module>:<attribute>".'
        )
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and _is_or_contains(error.name, module):
            raise StartupError(f'Error loading ASGI app. Could not import module "{module}".') from None
        raise StartupError(f'Error loading ASGI app. Module "{module}" failed. {_told(error)}') from error
    for attribute in attributes.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise StartupError(
                f'Error loading ASGI app. Attribute "{attributes}" not found in module "{module}".'
            ) from None
    return found


def make_application(found: Any, factory: bool) -> Any:
    """Return the ASGI application: the object itself; with `factory`, what it returns when it is called.

    An object that can be called without arguments is no ASGI application, so it is taken for a factory, as
    uvicorn does. Raises StartupError.
    """
    if not callable(found):
        raise StartupError(
            f"Error loading ASGI app. It is of type {type(found).__name__}, which is not callable."
        )
    if not factory:
        if not _is_factory(found):
            return found
        logger.warning(
            "ASGI app factory detected. Using it, but please consider setting the --factory flag explicitly."
        )
    try:
        made = found()
    except Exception as error:
        raise StartupError(f"Error loading ASGI app factory. {_told(error)}") from error
    if not callable(made):
        raise StartupError(
            f"Error loading ASGI app. The factory returned an object of type {type(made).__name__}, "
            "which is not callable."
        )
    return made


def _is_factory(app: Any) -> bool:
    try:
        signature = inspect.signature(app)
        signature.bind()
    except (TypeError, ValueError):  # it wants arguments; or it is built in and does not tell
        return False
    # `*args` takes an application's three arguments as well as none.
    return all(parameter.kind is not parameter.VAR_POSITIONAL for parameter in signature.parameters.values())


def _is_or_contains(missing: str | None, module: str) -> bool:
    """Whether the missing module is the one that was asked for, or a package on the way to it."""
    return missing is not None and (module + ".").startswith(missing + ".")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def without_our_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins in the application's code; None if there is no such part."""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith((_OUR_DIRECTORY, "<frozen importlib")) and file != importlib.__file__:
            break
        traceback = traceback.tb_next
    return traceback
