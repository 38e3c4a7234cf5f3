"""How the numbers of several processes are added up."""

from __future__ import annotations

from fastserve.tally import Tally, added


def test_numbers_are_added_key_by_key() -> None:
    assert added({"a": 1, "b": {"x": 2}}, {"b": {"x": 0.5, "y": 3}, "c": 4}) == {
        "a": 1, "b": {"x": 2.5, "y": 3}, "c": 4,
    }  # fmt: skip
    assert added({}, {"a": {}}) == {"a": {}}


def test_what_has_gone_stays_in_totals_only() -> None:
    tally = Tally()
    assert tally.sum([]) == {"total": {}, "now": {}}
    tally.gone({"total": {"requests": {"GET 200": 3}}, "now": {"connections": 7}})
    tally.gone({})  # it has told nothing
    living = {"total": {"requests": {"GET 200": 1, "GET 404": 1}}, "now": {"connections": 2}}
    whole = {"total": {"requests": {"GET 200": 4, "GET 404": 1}}, "now": {"connections": 2}}
    assert tally.sum([living]) == whole
    assert tally.sum([living]) == whole  # asking changes nothing
    tally.gone(living)
    assert tally.sum([]) == {"total": whole["total"], "now": {}}
