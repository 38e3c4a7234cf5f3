"""Which configurations does docs/proxies.md show?"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "proxies.md"


def configurations(language: str) -> list[str]:
    """The page's code blocks in this language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def replaced(configuration: str, *pairs: tuple[str, str]) -> str:
    """The configuration with the page's addresses exchanged for the test's; each has to be there."""
    for old, new in pairs:
        assert old in configuration, f"no {old!r} in\n{configuration}"
        configuration = configuration.replace(old, new)
    return configuration
