"""Run every case with both servers; put the table into the page, or with `--check` compare it with that.

    python -m evidence [--check] [OPTION...]     (`make evidence`; tests/ has to be on the path)

Exits with 1 if there is a difference that nothing explains, or if the page has another table. With the names
of options only their cases are run, and the page is left alone.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from .cases import CASES
from .observation import both
from .page import PAGE, row, unexplained, updated

#: So many cases at a time. Some of them measure seconds: not more than a small machine bears.
AT_A_TIME = 3


def main(words: list[str]) -> int:
    check = "--check" in words
    options = [word for word in words if word != "--check"]
    chosen = [case for case in CASES if not options or case.option in options]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        seen = dict(zip((case.title for case in chosen), pool.map(both, chosen), strict=True))
    wrong = [problem for case in chosen if (problem := unexplained(case, *seen[case.title]))]
    rows = {case.title: row(case, *seen[case.title]) for case in chosen}
    if options:
        print("".join(rows.values()), end="")
    else:
        before = PAGE.read_text(encoding="utf-8")
        after = updated(before, rows)
        if check and before != after:
            theirs, ours = before.splitlines(), after.splitlines()
            wrong += [f"the page has: {line}" for line in theirs if line not in ours]
            wrong += [f"what is seen: {line}" for line in ours if line not in theirs]
        elif not check:
            PAGE.write_text(after, encoding="utf-8")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
