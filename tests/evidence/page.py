"""The table of docs/migrating-from-uvicorn.md, and what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path

from fastserve.migrating import flag

from .cases import CASES
from .observation import Case, Observation

PAGE = Path(__file__).parents[2] / "docs" / "migrating-from-uvicorn.md"
BEGIN = "<!-- evidence:begin -->\n"
END = "<!-- evidence:end -->\n"
_SAME = "the same"


def row(case: Case, theirs: Observation, ours: Observation) -> str:
    """The case's line of the table."""
    unlike = theirs.parts_unlike(ours)
    seen = [theirs.client, ours.client]
    if "end" in unlike:
        seen = [f"{text}; {observation.end}" for text, observation in zip(seen, (theirs, ours), strict=True)]
    if not unlike:
        answer = _SAME
    elif {"client", "end"} & {*unlike}:
        answer = seen[1]
    else:
        answer = f"{_SAME}, but {' and '.join(unlike)}"
    return f"| {case.title} | {_cell(seen[0])} | {_cell(answer)} | {case.why} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def table(rows: dict[str, str]) -> str:
    """The whole of it, from each case's line, with a heading for each option."""
    lines = ["| with | uvicorn's client sees | fastserve's | why |\n", "|---|---|---|---|\n"]
    return "".join([*lines, *(rows[case.title] for case in CASES)])


def updated(page: str, rows: dict[str, str]) -> str:
    """The page with the table in it."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: BEGIN + table(rows) + END, page, flags=re.DOTALL)


def rows_of(page: str) -> dict[str, list[str]]:
    """The rows of the page's table by their first cell: the other three."""
    found = re.search(f"{BEGIN}(.*){END}", page, re.DOTALL)
    lines = found[1].splitlines()[2:] if found else []
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {first: rest for first, *rest in cells}


def unexplained(case: Case, theirs: Observation, ours: Observation) -> str:
    """What is wrong with the case: a difference without a reason, or a reason without a difference."""
    unlike = theirs.parts_unlike(ours)
    if bool(unlike) == bool(case.why):
        return ""
    if not unlike:
        return f"{case.title} ({flag(case.option)}): no difference, but the reason: {case.why}"
    told = [f"{case.title} ({flag(case.option)}): a difference that nothing explains"]
    for part in unlike:
        told.append(f"    {part}, uvicorn:   {theirs.without(part, ours)}")
        told.append(f"    {part}, fastserve: {ours.without(part, theirs)}")
    return "\n".join(told)
