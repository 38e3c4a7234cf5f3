"""What becomes of uvicorn's options here?

The table of docs/migrating-from-uvicorn.md, made from the table of options. `python -m fastserve.migrating
FILE` puts it between the two marks of that page.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fastserve.options import BY_NAME, OPTIONS, UVICORN_OPTIONS

__all__ = ["BEGIN", "END", "flag", "rows", "updated"]

BEGIN = "<!-- options:begin -->\n"
END = "<!-- options:end -->\n"


def flag(name: str) -> str:
    """How uvicorn's command line spells this option of its own; where it is a switch, the one way."""
    if name in BY_NAME:
        return BY_NAME[name].spelling.split("/")[0]
    return "--" + name.replace("_", "-")


def rows() -> list[tuple[str, str, str]]:
    """Return for each of uvicorn's options its flag, what it is here, and in what it differs."""
    here = [option for option in OPTIONS if option.name in UVICORN_OPTIONS]
    to_come = sorted(flag(name) for name in UVICORN_OPTIONS - {*BY_NAME})
    return [
        *((flag(option.name), "differs" if option.uvicorn else "same", option.uvicorn) for option in here),
        *((name, "to come", "") for name in to_come),
    ]


def updated(page: str) -> str:
    """Return the page with the table as it has to be."""
    lines = ["| uvicorn | here | |", "|---|---|---|"]
    lines += [f"| `{name}` | {state} | {note} |" for name, state, note in rows()]
    table = BEGIN + "\n".join(lines) + "\n" + END
    return re.sub(f"{BEGIN}.*{END}", lambda _: table, page, flags=re.DOTALL)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
