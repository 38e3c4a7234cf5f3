"""build_support: where llhttp comes from, a variant's flags, what a mirror holds, what a machine lacks.

What only a whole build can show is in tests/install.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import sys
import tarfile
from pathlib import Path

import pytest

from build_support import llhttp, mirror, preflight, variant

ROOT = Path(__file__).resolve().parents[2]


def make_sources(directory: Path, version: str = "9.4.3") -> Path:
    """Write a llhttp that is complete by its file names, and states `version`."""
    major, minor, patch = version.split(".")
    for name in llhttp.CARRIED_FILES:
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"/* {name} */\n")
    (directory / llhttp.HEADER).write_text(
        f"#define LLHTTP_VERSION_MAJOR {major}\n"
        f"#define LLHTTP_VERSION_MINOR {minor}\n"
        f"#define LLHTTP_VERSION_PATCH {patch}\n"
    )
    return directory


def make_pkg_config(directory: Path, include_dir: Path) -> str:
    """Write a pkg-config that knows a libllhttp whose header is in `include_dir`; return its path."""
    script = directory / "pkg-config"
    script.write_text(
        "#!/bin/sh\n"
        'case "$1 $2" in\n'
        f'"--variable=includedir libllhttp") echo "{include_dir}" ;;\n'
        '"--cflags libllhttp") echo "-I/some where" | sed "s/ /\\\\\\\\ /" ;;\n'
        '"--libs libllhttp") echo "-L/opt/lib -lllhttp" ;;\n'
        "*) exit 1 ;;\n"
        "esac\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


#: No pkg-config, and a pip that finds nothing.
NOTHING = {"PKG_CONFIG": "no-such-pkg-config", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}


class TestLocate:
    def test_override_wins_over_the_sdist_s_sources(self, tmp_path: Path) -> None:
        make_sources(tmp_path / "third_party" / "llhttp")
        override = make_sources(tmp_path / "mine")
        found = llhttp.locate(tmp_path, {"FASTSERVE_LLHTTP_DIR": str(override)})
        assert found.header == override / llhttp.HEADER
        assert found.sources == tuple(override / name for name in llhttp.SOURCES)
        assert found.license_file == override / llhttp.LICENSE
        assert found.link_args == ()

    def test_override_that_lacks_a_file_is_refused(self, tmp_path: Path) -> None:
        override = make_sources(tmp_path / "mine")
        (override / "src/http.c").unlink()
        with pytest.raises(
            SystemExit, match=r"^fastserve: FASTSERVE_LLHTTP_DIR=.* does not hold .*src/http\.c"
        ):
            llhttp.locate(tmp_path, {"FASTSERVE_LLHTTP_DIR": str(override)})

    def test_override_that_is_too_old_is_refused(self, tmp_path: Path) -> None:
        override = make_sources(tmp_path / "mine", "9.4.1")
        with pytest.raises(SystemExit, match=r"holds llhttp 9\.4\.1, not >= 9\.4\.2$"):
            llhttp.locate(tmp_path, {"FASTSERVE_LLHTTP_DIR": str(override)})

    def test_override_without_a_licence_is_taken(self, tmp_path: Path) -> None:
        override = make_sources(tmp_path / "mine")
        (override / llhttp.LICENSE).unlink()
        assert llhttp.locate(tmp_path, {"FASTSERVE_LLHTTP_DIR": str(override)}).license_file is None

    def test_sdist_s_sources_win_over_a_system_library(self, tmp_path: Path) -> None:
        carried = make_sources(tmp_path / "third_party" / "llhttp")
        system = make_sources(tmp_path / "usr")
        environ = {"PKG_CONFIG": make_pkg_config(tmp_path, system / "include")}
        assert llhttp.locate(tmp_path, environ).header == carried / llhttp.HEADER

    def test_system_library_is_linked_and_not_compiled(self, tmp_path: Path) -> None:
        system = make_sources(tmp_path / "usr", "9.4.2")
        environ = {**NOTHING, "PKG_CONFIG": make_pkg_config(tmp_path, system / "include")}
        found = llhttp.locate(tmp_path, environ)
        assert found.sources == ()
        assert found.license_file is None
        assert found.compile_args == ("-I/some where",)
        assert found.link_args == ("-L/opt/lib", "-lllhttp")

    @pytest.mark.parametrize("version", ["9.4.1", "8.99.99", "0.0.0"])
    def test_old_system_library_is_passed_over(self, tmp_path: Path, version: str) -> None:
        system = make_sources(tmp_path / "usr", version)
        assert (
            llhttp.find_system_library({"PKG_CONFIG": make_pkg_config(tmp_path, system / "include")}) is None
        )

    def test_system_library_without_its_header_is_passed_over(self, tmp_path: Path) -> None:
        assert llhttp.find_system_library({"PKG_CONFIG": make_pkg_config(tmp_path, tmp_path)}) is None

    def test_what_was_fetched_before_needs_no_network(self, tmp_path: Path) -> None:
        fetched = make_sources(tmp_path / "build" / "llhttp-9.4.3")
        assert llhttp.locate(tmp_path, NOTHING).header == fetched / llhttp.HEADER

    def test_no_library_and_no_network_is_one_line_that_says_what_to_do(self, tmp_path: Path) -> None:
        pytest.importorskip("pip")
        with pytest.raises(SystemExit) as failed:
            llhttp.locate(tmp_path, {**os.environ, "FASTSERVE_LLHTTP_DIR": "", **NOTHING})
        message = str(failed.value)
        assert message.startswith("fastserve: no llhttp >= 9.4.2 here")
        assert "FASTSERVE_LLHTTP_DIR" in message
        assert "\n" not in message
        assert not (tmp_path / "build").exists()

    def test_tests_of_the_c_code_get_sources_though_a_system_library_exists(self, tmp_path: Path) -> None:
        system = make_sources(tmp_path / "usr")
        fetched = make_sources(tmp_path / "build" / "llhttp-9.4.3")
        environ = {**NOTHING, "PKG_CONFIG": make_pkg_config(tmp_path, system / "include")}
        assert llhttp.locate_sources(tmp_path, environ) == fetched


class TestUnpack:
    def archive(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Write an archive like httptools', with files that must not be written, and pin its hash."""
        names = [f"httptools-0.9.0/vendor/llhttp/{name}" for name in llhttp.CARRIED_FILES]
        with tarfile.open(path, "w:gz") as tar:
            for name in [*names, "httptools-0.9.0/setup.py", "../escaped", "/tmp/escaped"]:
                content = name.encode()
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        monkeypatch.setattr(llhttp, "CARRIER_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
        return path

    def test_writes_llhttp_s_files_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = self.archive(tmp_path / "a.tar.gz", monkeypatch)
        llhttp.unpack(archive, tmp_path / "build" / "llhttp")
        written = {
            str(path.relative_to(tmp_path / "build" / "llhttp"))
            for path in (tmp_path / "build").rglob("*")
            if path.is_file()
        }
        assert written == set(llhttp.CARRIED_FILES)

    def test_another_archive_is_refused_before_it_is_opened(self, tmp_path: Path) -> None:
        archive = tmp_path / "a.tar.gz"
        archive.write_bytes(b"not even an archive")
        with pytest.raises(SystemExit, match="not the pinned d484ebb7"):
            llhttp.unpack(archive, tmp_path / "llhttp")
        assert not (tmp_path / "llhttp").exists()

    def test_a_faster_build_is_no_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        theirs = make_sources(tmp_path / "build" / "llhttp")
        llhttp.unpack(self.archive(tmp_path / "a.tar.gz", monkeypatch), theirs)
        assert llhttp.header_version(theirs / llhttp.HEADER) == (9, 4, 3)

    def test_a_broken_directory_in_the_way_is_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        theirs = make_sources(tmp_path / "build" / "llhttp")
        (theirs / "src/api.c").unlink()
        with pytest.raises(OSError, match="llhttp"):
            llhttp.unpack(self.archive(tmp_path / "a.tar.gz", monkeypatch), theirs)


class TestVariant:
    def test_release_is_optimised_and_tells_nothing(self) -> None:
        release = variant.Variant.from_environment({})
        assert release == variant.Variant()
        assert release.name == "release"
        assert "-O2" in release.compile_args
        assert "-DFS_DEBUG=1" not in release.compile_args
        assert release.link_args == []

    def test_debug_has_assertions(self) -> None:
        debug = variant.Variant.from_environment({"FASTSERVE_DEBUG": "1"})
        assert debug.name == "debug"
        assert {"-DFS_DEBUG=1", "-UNDEBUG"} <= set(debug.compile_args)
        assert "-O2" not in debug.compile_args

    def test_sanitizers_reach_the_compiler_and_the_linker(self) -> None:
        sanitized = variant.Variant.from_environment({"FASTSERVE_SANITIZE": "address,undefined"})
        assert sanitized.name == "release-address-undefined"
        for args in (sanitized.csrc_args, sanitized.extension_args, sanitized.link_args):
            assert "-fsanitize=address,undefined" in args

    def test_warnings_fail_our_own_c_only(self) -> None:
        strict = variant.Variant.from_environment({"FASTSERVE_WERROR": "1"})
        assert "-Werror" in strict.csrc_args
        assert "-Werror" not in strict.extension_args
        assert "-Werror" not in strict.compile_args
        assert "-Werror" not in variant.Variant().csrc_args

    @pytest.mark.parametrize(
        "environ",
        [{"FASTSERVE_DEBUG": "yes"}, {"FASTSERVE_WERROR": "2"}, {"FASTSERVE_SANITIZE": "address;rm -rf"}],
    )
    def test_a_value_that_means_nothing_is_refused(self, environ: dict[str, str]) -> None:
        with pytest.raises(SystemExit, match=r"^fastserve: FASTSERVE_"):
            variant.Variant.from_environment(environ)

    def test_whatever_changes_the_result_changes_the_directory(self, tmp_path: Path) -> None:
        build_file = tmp_path / "setup.py"
        build_file.write_text("one")
        plain = variant.Variant()

        def directory(
            which: variant.Variant = plain, environ: dict[str, str] | None = None, cython: str = "3.1"
        ) -> str:
            return variant.build_directory(which, [build_file], environ or {}, cython)

        before = directory()
        assert before == directory()
        assert before.startswith(f"build/{sys.implementation.cache_tag}-release-")
        others = [
            directory(variant.Variant(debug=True)),
            directory(variant.Variant(sanitizers=("address",))),
            directory(variant.Variant(werror=True)),
            directory(environ={"CFLAGS": "-O0"}),
            directory(environ={"FASTSERVE_LLHTTP_DIR": "elsewhere"}),
            directory(cython="3.2"),
        ]
        build_file.write_text("two")
        others.append(directory())
        assert len({before, *others}) == 1 + len(others)


class TestMirror:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        for name in (
            "setup.py",
            "fastserve/h1/parser.pyx",
            "fastserve/h1/parser.cpython-313-x86_64-linux-gnu.so",
            "fastserve/__pycache__/x.pyc",
            "build/lib/x.py",
            ".venv-debug/bin/python",
            ".git/HEAD",
            ".gitignore",
            ".pytest_cache/README.md",
            "fastserve.egg-info/PKG-INFO",
        ):
            file = tmp_path / "tree" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)
        return tmp_path / "tree"

    def test_copies_sources_and_nothing_made(self, tree: Path) -> None:
        copy = tree / "build" / "copy"
        mirror.mirror(tree, copy)
        copied = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
        assert copied == {"setup.py", ".gitignore", "fastserve/h1/parser.pyx"}

    def test_brings_up_to_date_and_leaves_alone_what_was_built(self, tree: Path) -> None:
        copy = tree / "build" / "copy"
        mirror.mirror(tree, copy)
        built = copy / "fastserve/h1/parser.cpython-313-x86_64-linux-gnu.so"
        built.write_text("built there")
        os.utime(copy / "setup.py", (1, 1))
        (tree / "fastserve/h1/parser.pyx").write_text("changed")
        (tree / ".gitignore").unlink()
        mirror.mirror(tree, copy)
        assert (copy / "fastserve/h1/parser.pyx").read_text() == "changed"
        assert not (copy / ".gitignore").exists()
        assert built.read_text() == "built there"
        assert (copy / "setup.py").stat().st_mtime == 1, "an unchanged file was copied anew"


class TestPreflight:
    def test_this_interpreter_has_what_it_was_built_with(self) -> None:
        assert not any("too old" in line for line in preflight.missing())

    def test_an_old_python_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight, "PYTHON_MIN", (99, 0))
        assert len(preflight.missing()) == 1
        assert "PYTHON=" in preflight.missing()[0]

    def test_each_thing_missing_is_one_line_with_its_package(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(preflight, "find_spec", lambda name: None)
        monkeypatch.setattr(preflight.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
        monkeypatch.setenv("CC", "no-such-compiler -m64")
        venv, headers, compiler = preflight.missing()
        assert "apt-get install python3-venv" in venv
        assert "apt-get install python3-dev" in headers
        assert "(no-such-compiler): apt-get install gcc" in compiler


class TestTree:
    @pytest.mark.skipif(not (ROOT / "fastserve").is_dir(), reason="no sources beside these tests")
    def test_every_extension_module_lies_in_a_package(self) -> None:
        modules = list((ROOT / "fastserve").rglob("*.pyx"))
        assert modules
        assert [path for path in modules if not path.with_name("__init__.py").is_file()] == []

    @pytest.mark.skipif(not (ROOT / "Makefile").is_file(), reason="no Makefile beside these tests")
    def test_the_makefile_installs_what_pyproject_requires_for_a_build(self) -> None:
        (requires,) = re.findall(
            r"^requires = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE
        )
        (installs,) = re.findall(r"^BUILD_REQUIRES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert re.findall(r'"(.*?)"', installs) == re.findall(r'"(.*?)"', requires)

    @pytest.mark.skipif(not (ROOT / ".github").is_dir(), reason="no workflows beside these tests")
    def test_every_action_is_pinned_by_its_commit(self) -> None:
        uses = [
            (file.name, line.strip())
            for file in (ROOT / ".github" / "workflows").glob("*.yml")
            for line in file.read_text().splitlines()
            if re.match(r"\s*(- )?uses:", line)
        ]
        assert uses
        unpinned = [use for use in uses if not re.search(r"@[0-9a-f]{40} # v[0-9.]+$", use[1])]
        assert unpinned == []
