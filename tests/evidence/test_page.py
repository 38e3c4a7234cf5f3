"""The table of docs/migrating-from-uvicorn.md has each case, and each option has one."""

from __future__ import annotations

import pytest

from fastserve.options import BY_NAME, UVICORN_OPTIONS

from .cases import CASES, WITHOUT
from .observation import Case, Observation
from .page import BEGIN, END, PAGE, row, rows_of, table, unexplained, updated

SEEN = Observation("200 OK", ("started",), ("GET",), "exit 0")
OTHER = Observation("200 OK", ("started", "and more | or less"), ("GET",), "exit 1")
CASE = Case("port", ("--port", "1"))
EXPLAINED = Case("port", ("--port", "1"), why="It had to be.")


def test_each_option_of_both_has_a_case() -> None:
    tried = {case.option for case in CASES} - {""}
    both = UVICORN_OPTIONS & {*BY_NAME}
    assert both - tried - {*WITHOUT} == set(), "try it in cases.py"
    assert tried - both == set()
    assert tried & {*WITHOUT} == set()


def test_each_case_has_a_title_of_its_own() -> None:
    titles = [case.title for case in CASES]
    assert sorted({*titles}) == sorted(titles)


def test_the_page_has_the_cases_in_their_order() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    rows = rows_of(page)
    assert list(rows) == [case.title for case in CASES], "run `make evidence`"
    for case in CASES:
        _, ours, why = rows[case.title]
        assert why == case.why, "run `make evidence`"
        assert (ours == "the same") == (why == ""), case.title


def test_what_is_the_same_is_told_as_such() -> None:
    assert row(CASE, SEEN, SEEN) == "| `--port 1` | 200 OK | the same |  |\n"
    assert unexplained(CASE, SEEN, SEEN) == ""


def test_what_differs_is_told_with_the_reason() -> None:
    line = row(EXPLAINED, SEEN, OTHER)
    assert line == "| `--port 1` | 200 OK; exit 0 | 200 OK; exit 1 | It had to be. |\n"
    assert unexplained(EXPLAINED, SEEN, OTHER) == ""
    chatty = Observation(OTHER.client, OTHER.messages, SEEN.requests, SEEN.end)
    assert row(EXPLAINED, SEEN, chatty).split(" | ")[2] == "the same, but messages"


def test_what_nothing_explains_is_wrong() -> None:
    problem = unexplained(CASE, SEEN, OTHER)
    assert problem.splitlines()[0] == "`--port 1` (--port): a difference that nothing explains"
    assert "    messages, fastserve: and more | or less" in problem.splitlines()
    assert "no difference, but the reason: It had to be." in unexplained(EXPLAINED, SEEN, SEEN)


@pytest.mark.parametrize("text", ["a | b", "plain"])
def test_the_table_can_be_read_again(text: str) -> None:
    seen = Observation(text, (), (), "exit 0")
    rows = {case.title: row(case, seen, seen) for case in CASES}
    page = updated(f"before\n{BEGIN}old\n{END}after\n", rows)
    assert page == f"before\n{BEGIN}{table(rows)}{END}after\n"
    assert set(rows_of(page)) == {case.title for case in CASES}
