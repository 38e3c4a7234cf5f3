"""Which code serves HTTP/1, where are its parts, and what is said if it is not there?"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable

import pytest

from fastserve.core import CORES, find
from fastserve.errors import StartupError

BUILT = "fastserve.h1.connection", "fastserve.reference.over_llhttp", "fastserve.reference.over_h11"
"""The modules without which the cores of the table, in its order, are not there."""


def test_every_core_has_every_part() -> None:
    cython, *others = CORES.values()
    assert all(set(core.places) == set(cython.places) for core in others)


@pytest.mark.parametrize("name", CORES)
def test_every_place_has_its_part(name: str) -> None:
    try:
        core = find(name)
    except StartupError as error:
        pytest.skip(str(error))
    assert all(callable(core.part(part)) for part in core.places)


@pytest.fixture
def take_away(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have these modules not be installed, and all others."""

    def take(*names: str) -> None:
        for name in BUILT:
            module = types.ModuleType(name)
            module.Connection = module.connection = object()  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, None if name in names else module)

    return take


@pytest.mark.parametrize(("gone", "found"), [((), "cython"), (BUILT[:1], "cffi"), (BUILT[:2], "h11")])
def test_auto_takes_the_first_that_is_there_and_says_so(
    take_away: Callable[..., None], caplog: pytest.LogCaptureFixture, gone: tuple[str, ...], found: str
) -> None:
    take_away(*gone)
    caplog.set_level("DEBUG", "fastserve.error")
    assert find("auto", say=True) is CORES[found]
    (record,) = caplog.records
    assert found in record.getMessage()
    assert record.levelname == ("WARNING" if gone else "DEBUG")
    assert all(CORES[name].needs in record.getMessage() for name in list(CORES)[: len(gone)])


def test_nothing_is_said_of_what_was_asked_for_by_name(
    take_away: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    take_away(BUILT[0])
    caplog.set_level("DEBUG", "fastserve.error")
    assert find("h11", say=True) is CORES["h11"]
    assert caplog.records == []


def test_a_protocol_of_the_user_s_own_gets_the_endpoint_of_the_first(take_away: Callable[..., None]) -> None:
    take_away()
    assert find(object()) is find("mine:protocol") is CORES["cython"]


def test_none_is_there(take_away: Callable[..., None]) -> None:
    take_away(*BUILT)
    with pytest.raises(
        StartupError, match=r"^Cannot use --http auto: cython needs .*; h11 needs h11: pip install"
    ):
        find("auto")
    with pytest.raises(StartupError, match=r"^Cannot use --http cffi: cffi needs an installation without"):
        find("cffi")


def test_one_that_is_there_and_cannot_be_imported_is_not_passed_over(
    take_away: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_away()
    monkeypatch.setitem(sys.modules, BUILT[0], types.ModuleType("empty"))
    with pytest.raises(StartupError, match=r"^Cannot use --http cython: "):
        find("auto")
