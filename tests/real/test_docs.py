"""docs/async-and-blocking.md: its commands work, they print what it shows, and its code is the example's.

So is what docs/how-a-server-works.md shows of it. And of all pages in docs/ and examples/:
what they link to exists.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .server import EXAMPLES, Example, Server
from .tools import curl_as_written, needs_curl

pytest.importorskip("fastapi")

EXAMPLE = Example("fastapi_app")

DOCS = EXAMPLES.parent / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), EXAMPLES / "README.md"]
PAGE = (DOCS / "async-and-blocking.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```console\n\$ (curl .*)\n(.*)\n```", PAGE)
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
WALK = (DOCS / "how-a-server-works.md").read_text(encoding="utf-8")
SNIPPETS += [part for part in re.findall(r"```python\n(.*?)```", WALK, re.DOTALL) if part.startswith("@app")]


def pattern_of(shown: str) -> str:
    """The text with its numbers masked: they count what this process has answered before."""
    return re.sub(r"\d+", "#", shown)


def test_the_page_is_read() -> None:
    assert len(COMMANDS) == 9
    assert len(SNIPPETS) == 5


@needs_curl
@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command[-30:] for command, _ in COMMANDS])
def test_command(server: Server, command: str, shown: str) -> None:
    here = command.replace("http://127.0.0.1:8000", server.url).replace("seconds=5", "seconds=0.1")
    assert pattern_of(curl_as_written(here).decode()) == pattern_of(shown)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[snippet.splitlines()[0] for snippet in SNIPPETS])
def test_snippet(snippet: str) -> None:
    source = Path(EXAMPLES, EXAMPLE.directory, "main.py").read_text(encoding="utf-8")
    without_docstrings = re.sub(r'^ +"""[^"]*"""\n', "", source, flags=re.MULTILINE)
    assert snippet in without_docstrings


@pytest.mark.parametrize("page", PAGES, ids=[f"{page.parent.name}/{page.name}" for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_index_lists_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [
        page.name for page in DOCS.glob("*.md") if page.name != "README.md" and page.name not in index
    ] == []
