"""fastserve/migrating.py and the page that has its table."""

from __future__ import annotations

from pathlib import Path

from uvicorn.main import main as theirs

from fastserve.migrating import BEGIN, END, rows, updated
from fastserve.options import BY_NAME, UVICORN_OPTIONS

PAGE = Path(__file__).parents[2] / "docs" / "migrating-from-uvicorn.md"


def test_the_page_has_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert page == updated(page), "run `python -m fastserve.migrating docs/migrating-from-uvicorn.md`"


def test_the_table_is_put_between_the_marks() -> None:
    page = updated(f"before\n{BEGIN}old\n{END}after\n")
    assert page.startswith(f"before\n{BEGIN}| uvicorn |")
    assert page.endswith(f" |\n{END}after\n")
    assert "old" not in page


def test_there_is_a_row_for_each_flag_of_the_installed_uvicorn() -> None:
    flags = ["APP" if param.name == "app" else param.opts[0] for param in theirs.params]
    flags.remove("--version")
    assert sorted(name for name, _, _ in rows()) == sorted(flags)


def test_states_follow_from_the_table_of_options() -> None:
    states = {name: (state, note) for name, state, note in rows()}
    assert states["--port"] == ("same", "")
    assert states["--http"] == ("differs", BY_NAME["http"].uvicorn)
    to_come = [name for name, (state, _) in states.items() if state == "to come"]
    assert len(to_come) == len(UVICORN_OPTIONS - {*BY_NAME})
