"""Which limits are there? The table of docs/reliability.md, made from the table of options.

`python -m build_support.limits_table docs/reliability.md` puts it between the two marks of that page.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fastserve.options import OPTIONS, Option

BEGIN = "<!-- limits:begin -->\n"
END = "<!-- limits:end -->\n"


def default(option: Option) -> str:
    """The value and its unit, or that there is none."""
    if not option.default:
        return "none"
    number = f"{option.default:g}" if option.type is float else str(option.default)
    return f"{number} {option.unit}".strip()


def updated(page: str) -> str:
    """Return the page with the table as it has to be."""
    lines = ["| limit | default | what it bounds |", "|---|---|---|"]
    lines += [
        f"| `{option.name}` | {default(option)} | {option.help} |"
        for option in OPTIONS
        if option.group == "limits"
    ]
    table = BEGIN + "\n".join(lines) + "\n" + END
    return re.sub(f"{BEGIN}.*{END}", lambda _: table, page, flags=re.DOTALL)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
