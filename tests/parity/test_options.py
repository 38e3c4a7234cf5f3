"""Does each option mean something to the server in plain Python, or is it told that it does not?"""

from __future__ import annotations

import re
from pathlib import Path

from fastserve.options import OPTIONS

from .differences import OPTIONS_WITHOUT_MEANING

ROOT = Path(__file__).resolve().parents[2]
#: What the extension modules are given to read from.
GROUPS = {"headers", "limits", "process", "websocket", "wsgi"}
COMPILED = ("asgi", "features", "h1", "net", "ws", "wsgi")


def read_by(paths: list[Path]) -> set[str]:
    """The options that these files have as an attribute of something that is called limits."""
    text = "\n".join(path.read_text() for path in paths)
    names = {option.name for option in OPTIONS if option.group in GROUPS}
    return names & set(re.findall(r"limits\.(\w+)", text))


def test_each_option_that_extension_modules_read_is_read_here_too() -> None:
    compiled = read_by([path for room in COMPILED for path in (ROOT / "fastserve" / room).glob("*.pyx")])
    assert len(compiled) > 30
    assert compiled - read_by([*(ROOT / "fastserve" / "reference").rglob("*.py")]) == set(
        OPTIONS_WITHOUT_MEANING
    )


def test_what_means_nothing_is_told() -> None:
    page = (ROOT / "docs" / "how-a-server-works.md").read_text()
    for name, why in OPTIONS_WITHOUT_MEANING.items():
        assert f"| `--{name.replace('_', '-')}` | {why} |" in page
