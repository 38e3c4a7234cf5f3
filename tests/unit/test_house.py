"""What holds the house together: rooms and who knows whom, one table of options, true stubs and pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from source_tree import (
    ROOT,
    Room,
    cython_surface,
    files,
    functions_without_contract,
    has_room,
    imports,
    read,
    room_of,
    rooms,
    stub_surface,
    without_prose,
)

from fastserve.options import OPTIONS, Option

if not (ROOT / "csrc").is_dir():
    pytest.skip("the sources are not here: these tests ran for an installed wheel", allow_module_level=True)

SOURCES = [
    path for path in files(".c", ".h", ".pxd", ".py", ".pyx") if path.parts[0] in {"csrc", "fastserve"}
]
MODULES = files(".pyx", under="fastserve/")
PAGES = files(".md")

#: Lines that are neither blank nor prose. A file that needs more answers two questions.
LINES_MAX = 480


def named(paths: list[Path]) -> list[str]:
    return [path.as_posix() for path in paths]


# ---- what reads the sources ----

CYTHON = '''
"""from fastserve.cli cimport prose"""
from libc.stdint cimport uint8_t
from fastserve.h1.sink cimport (
    Channel,  # from fastserve.cli cimport comment
    H1Sink,
)
from fastserve import log
cimport fastserve.stream.request

cdef enum Colour:
    RED

cdef extern from "x.h":
    int declared(int a)

cdef class Shown(Base):
    cdef int silent(self, int a):
        return 0
    cdef inline const char *pointer(self) noexcept:
        return NULL
    cdef Colour colour(self):
        return RED
    cdef Shown other(self):
        return self
    def __cinit__(self, object loop not None, int fd=1, *rest):
        pass
    @property
    def name(self) -> str:
        return ""
    async def wait(self, timeout_s: float = (1)) -> None:
        pass

cdef int loud() except -1:
    return 0
'''


@pytest.fixture
def cython(tmp_path: Path) -> Path:
    path = tmp_path / "shown.pyx"
    path.write_text(CYTHON)
    path.with_suffix(".pxd").write_text(
        "cdef class Shown:\n    cdef readonly int size  # of it\n    cdef int own\n"
    )
    return path


def test_cython_imports_are_read(cython: Path) -> None:
    assert named(sorted(imports(cython))) == [
        "fastserve/h1/sink.pxd",
        "fastserve/log.py",
        "fastserve/stream/request.pxd",
    ]


def test_python_imports_are_read(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "import fastserve.cli as c, os\nfrom fastserve import log, run\n"
        "def f():\n    from fastserve.h1.sink import H1Sink\n    return 'fastserve.net.endpoint:Endpoint'\n"
    )
    assert named(sorted(imports(path))) == [
        "fastserve/__init__.py",
        "fastserve/cli.py",
        "fastserve/h1/sink.pxd",
        "fastserve/log.py",
        "fastserve/net/endpoint.pxd",
    ]


def test_includes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file.c"
    path.write_text('#include <string.h>\n#include "names.h"\n # include "llhttp.h"\n')
    assert named(sorted(imports(path))) == ["csrc/names.h", "fastserve/csrc/llhttp.pxd"]


def test_surfaces_and_contracts_are_read(cython: Path) -> None:
    assert cython_surface(cython) == {
        "Shown": "Base",
        "Shown.__new__": "loop, fd=, *rest",
        "Shown.name": "attribute",
        "Shown.wait": "timeout_s=",
        "Shown.size": "attribute",
    }
    assert functions_without_contract(cython) == ["silent", "colour"]


# ---- rooms and directions ----


def test_every_source_has_a_room_and_every_room_a_source() -> None:
    found = {path: room_of(path) for path in SOURCES if has_room(path)}
    assert [path for path, room in found.items() if room is None] == []
    assert [str(room) for room in rooms() if room not in found.values()] == []


@pytest.mark.parametrize("room", rooms(), ids=str)
def test_a_room_imports_what_its_row_says(room: Room) -> None:
    """Each import of a room is of one that its row names, and each that it names is imported."""
    imported = {
        (path, other)
        for path in SOURCES
        if room_of(path) is room
        for other in map(room_of, imports(path))
        if other is not None and other is not room
    }
    unnamed = [
        f"{path} imports {other}"
        for path, other in imported
        if not any(other.is_named(name) for name in room.knows)
    ]
    assert unnamed == []
    unused = [name for name in room.knows if not any(other.is_named(name) for _, other in imported)]
    assert unused == []


def test_imports_point_up_the_table() -> None:
    above: list[Room] = []
    for room in rooms():
        for name in room.knows:
            assert any(other.is_named(name) for other in above), f"{room} knows {name}, which is not above it"
            assert not any(other.is_named(name) for other in rooms() if other not in above), f"{room}, {name}"
        above.append(room)


PROTOCOLS = ("fastserve/h1/",)
INTERFACES = ("fastserve/asgi/", "fastserve/wsgi/")
FEATURES = ("fastserve/features/",)
NET = ("fastserve/net/",)
C = ("csrc/", "fastserve/csrc/")
REFERENCE = ("fastserve/reference/",)
SUPERVISOR = ("fastserve/supervisor/",)
#: What imports the application, or runs it.
SERVING = ("fastserve/importer", "fastserve/server", "fastserve/supervised")


@pytest.mark.parametrize(
    ("importers", "imported"),
    [
        (PROTOCOLS, INTERFACES + FEATURES),
        (INTERFACES, PROTOCOLS + FEATURES),
        (FEATURES, PROTOCOLS + INTERFACES + NET),
        (NET, PROTOCOLS + INTERFACES + FEATURES),
        (("fastserve/stream/",), PROTOCOLS + INTERFACES + FEATURES + NET + C),
        (C, PROTOCOLS + INTERFACES + FEATURES + NET + ("fastserve/stream/",)),
        (SUPERVISOR, PROTOCOLS + INTERFACES + FEATURES + NET + C + ("fastserve/stream/", *SERVING)),
        (REFERENCE, PROTOCOLS + NET + C + ("fastserve/stream/",)),
        (PROTOCOLS + INTERFACES + FEATURES + NET + C, REFERENCE),
    ],
    ids=[
        *("protocols", "interfaces", "features", "net", "seam", "C", "supervisor"),
        *("reference", "no reference"),
    ],
)
def test_law(importers: tuple[str, ...], imported: tuple[str, ...]) -> None:
    """Whatever the table says: protocols and applications meet at the seam, features watch from outside."""
    subjects = [path for path in SOURCES if path.as_posix().startswith(importers)]
    assert subjects != []
    assert [
        f"{path} imports {other}"
        for path in subjects
        for other in imports(path)
        if other.as_posix().startswith(imported)
    ] == []


def test_sub_packages_hold_a_docstring_only() -> None:
    assert [path for path in SOURCES if not has_room(path) and without_prose(path).strip()] == []


# ---- C and Cython ----


def test_a_header_is_declared_to_cython_in_one_place() -> None:
    """fastserve/csrc/NAME.pxd declares csrc/NAME.h; no other file declares a header of ours."""
    declared = {
        path: set(re.findall(r'cdef extern from "(.*)\.h"', read(path)))
        for path in files(".pxd", ".pyx", under="fastserve/")
    }
    for path, headers in declared.items():
        ours = headers - {"Python"}
        assert ours == ({path.stem} if path.parent == Path("fastserve/csrc") else set()), path
    headers = {path.stem for path in files(".h", under="csrc/")} | {"llhttp"}
    assert {path.stem for path in declared if path.parent == Path("fastserve/csrc")} == headers


def test_the_c_rooms_do_not_know_python() -> None:
    assert [path for path in SOURCES if path.parts[0] == "csrc" and "Python.h" in without_prose(path)] == []


def test_every_c_file_has_its_header_and_its_test() -> None:
    for path in files(".c", under="csrc/"):
        assert (ROOT / path.with_suffix(".h")).exists(), path
        assert (ROOT / "tests" / "c" / f"test_{path.stem}.c").exists(), path


def test_no_cython_file_is_included_in_another() -> None:
    assert [
        path for path in files(".pxd", ".pyx") if re.search(r"^\s*include\s", read(path), re.MULTILINE)
    ] == []


@pytest.mark.parametrize("path", MODULES, ids=named(MODULES))
def test_every_cdef_function_states_how_it_fails(path: Path) -> None:
    assert functions_without_contract(path) == []


@pytest.mark.parametrize("path", [path for path in MODULES if "cdef int enter(" in read(path)], ids=str)
def test_a_state_changes_in_enter_only(path: Path) -> None:
    changes = re.findall(r"\.state = .*", without_prose(path))
    assert changes == [".state = state"]


def test_a_child_changes_its_state_in_one_place() -> None:
    code = without_prose(Path("fastserve/supervisor/process.py"))
    assert re.findall(r"\.state = .*", code) == [".state = State.WARM", ".state = state"]


@pytest.mark.parametrize("path", MODULES, ids=named(MODULES))
def test_the_stub_tells_what_the_module_has(path: Path) -> None:
    assert (ROOT / path.with_suffix(".pxd")).exists()
    assert stub_surface(path.with_suffix(".pyi")) == cython_surface(path)


def test_stubs_stand_beside_modules_only() -> None:
    assert [path for path in files(".pyi") if path.with_suffix(".pyx") not in MODULES] == []


# ---- one table of options ----


def test_only_the_command_reads_the_environment() -> None:
    """And Config two of uvicorn's; a child has its parent's; systemd and a predecessor say things."""
    readers = [path for path in SOURCES if re.search(r"\b(?:os\.environ|getenv)\b", without_prose(path))]
    assert named(readers) == [
        "fastserve/cli.py",
        "fastserve/config.py",
        "fastserve/supervisor/process.py",
        "fastserve/systemd.py",
        "fastserve/takeover.py",
    ]
    assert re.findall(r'os\.environ.*?"(\w+)"', read(Path("fastserve/config.py"))) == [
        "WEB_CONCURRENCY",
        "FORWARDED_ALLOW_IPS",
    ]
    assert re.findall(r"\bos\.environ\b.*", read(readers[2])) == ["os.environ,"]


def test_every_option_has_an_effect() -> None:
    """Code outside the table reads it: of a Config, or Config of itself."""
    elsewhere = [path for path in SOURCES if path.name not in {"config.py", "options.py"}]
    code = "\n".join(without_prose(path) for path in elsewhere)
    code += without_prose(Path("fastserve/config.py")).replace("self.", "config.")
    read_of_it = set(re.findall(r"\b(?:config|limits)\.(\w+)", code))
    assert [option.name for option in OPTIONS if option.name not in read_of_it] == []


def test_every_limit_that_is_read_is_an_option() -> None:
    code = "\n".join(without_prose(path) for path in MODULES)
    assert set(re.findall(r"\blimits\.(\w+)", code)) <= {option.name for option in OPTIONS}


LIMITS = [option for option in OPTIONS if option.group == "limits"]


def rows_about_limits() -> dict[str, list[str]]:
    """docs/limits.md: the cells of each row that begins with the name of an option."""
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", read(Path("docs/limits.md")), re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def test_the_page_of_limits_has_every_limit() -> None:
    assert sorted(rows_about_limits()) == sorted(option.name for option in LIMITS)


@pytest.mark.parametrize("option", LIMITS, ids=[option.name for option in LIMITS])
def test_the_page_of_limits_agrees_with_the_table(option: Option) -> None:
    """Default and unit, that 0 is no limit, and the statuses that the table tells."""
    default, _, beyond = rows_about_limits()[option.name]
    number = f"{option.default:g}" if option.type is float else str(option.default)
    shown = f"{number} {option.unit}".strip()
    assert default == (shown if option.default else f"{shown}: no limit")
    statuses = set(re.findall(r"\b[45]\d\d\b", option.help))
    assert statuses <= set(re.findall(r"\b[45]\d\d\b", beyond))


def test_every_limit_is_set_by_a_test_on_the_wire() -> None:
    suite = "\n".join(read(path) for path in files(".py", under="tests/wire/"))
    assert [option.name for option in LIMITS if f'"{option.spelling[2:]}"' not in suite] == []


# ---- pages ----


def test_every_page_that_the_root_needs_is_there() -> None:
    assert {"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"} <= {
        path.name for path in files() if len(path.parts) == 1
    }


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(page))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (ROOT / page.parent / link).exists()] == []


_PATH = re.compile(
    r"(?<![\w./:-])("
    r"(?:csrc|docs|tests|fastserve|fuzz|bench|build_support|examples)/[\w./-]*\w/?"
    r"|(?:[\w-]+/)*[\w-]+\.(?:[ch]|md|px[di]|pyx?|pyi|sh|toml|yml)"
    r")(?![\w*])"
)


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_files_that_a_page_names_exist(page: Path) -> None:
    """From the root or the page; a bare name anywhere; in ARCHITECTURE.md without `fastserve/` or suffix."""
    here = [ROOT, ROOT / page.parent, *([ROOT / "fastserve"] if page.name == "ARCHITECTURE.md" else ())]
    known = {path.name for path in files()}
    text = re.sub(r"\w+://\S+", "", read(page))
    gone = {
        name
        for name in _PATH.findall(text)
        if name not in known and not any((base / name).exists() or [*base.glob(f"{name}.*")] for base in here)
    }
    assert gone == set()


def test_flags_that_a_page_names_exist() -> None:
    """Also the other way round: README.md's list of what is missing names nothing that is there."""
    flags = {flag for option in OPTIONS for flag in option.spelling.split("/")}
    flags |= {"--help", "--version", "--config", "--check", "--print-config"}
    readme, missing, rest = re.split(
        r"^## (?:Not there yet|Different from uvicorn)$", read(Path("README.md")), flags=re.M
    )
    pages = "".join(read(Path(page)) for page in ("SECURITY.md", "docs/http.md", "docs/limits.md"))
    pattern = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
    assert set(pattern.findall(readme + rest + pages)) <= flags
    left = {cells.split("|")[1] for cells in missing.splitlines() if cells.startswith("| `")}
    assert set(pattern.findall(" ".join(left))) & flags == set()


def test_the_readme_has_a_table_of_the_benchmark() -> None:
    """Between two marks, so that a measurement can be put there."""
    (table,) = re.findall(
        r"^<!-- bench:begin -->\n(.*)^<!-- bench:end -->$", read(Path("README.md")), re.M | re.S
    )
    assert table.startswith("| workload | fastserve | uvicorn |")


# ---- the tree ----


def test_a_file_answers_one_question() -> None:
    lengths = {
        path.as_posix(): sum(1 for line in without_prose(path).splitlines() if line.strip())
        for path in files(".c", ".h", ".pxd", ".py", ".pyi", ".pyx")
    }
    assert {path: length for path, length in lengths.items() if length > LINES_MAX} == {}


#: A directory of one machine or one user, and what tells a package manager where to look.
_MACHINE = re.compile(
    r"(?<![\w.~%-])/(?:root|work|(?:home|Users|opt|mnt)/\w+)(?=/|[\s\"'`)]|$)", re.MULTILINE
)
_INDEX = re.compile(r"--(?:extra-)?index-url|--find-links|trusted-host", re.IGNORECASE)
HOSTS = {
    "asgi.readthedocs.io",
    "github.com",
    "keepachangelog.com",
    "semver.org",
    "www.rfc-editor.org",
    "www.w3.org",
}


def test_the_tree_names_no_machine_and_no_package_index() -> None:
    found = {
        path.as_posix(): [*_MACHINE.findall(read(path)), *_INDEX.findall(read(path))]
        for path in files()
        if path.name != Path(__file__).name
    }
    assert {path: names for path, names in found.items() if names} == {}


def test_the_hosts_that_the_tree_names_are_known() -> None:
    pattern = re.compile(r"https?://([\w-]+(?:\.[\w-]+)*\.[a-z]{2,})\b")
    found = {host: path for path in files() for host in pattern.findall(read(path))}
    assert {host: str(path) for host, path in found.items() if host not in HOSTS} == {}
