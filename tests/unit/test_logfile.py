"""fastserve/logfile.py: files that are changed for new ones, by several processes at once."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from fastserve.logfile import FileHandler, LogFile, Rotation

EVERY_SECOND = "%Y-%m-%d_%H-%M-%S"


def files(path: Path) -> dict[str, str]:
    """What follows the name of each file → its content."""
    return {
        found.name.removeprefix(path.name): found.read_text()
        for found in path.parent.iterdir()
        if found.name.startswith(path.name)
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.mark.parametrize(
    ("text", "size"),
    [("100", 100), ("1k", 1024), ("1KB", 1024), ("10 MiB", 10 << 20), ("2g", 2 << 30), ("7B", 7)],
)
def test_a_size(text: str, size: int) -> None:
    assert Rotation.of(text) == Rotation(size_bytes_max=size)


def test_periods_by_name() -> None:
    assert Rotation.of(None) == Rotation()
    noon_s = time.mktime((2026, 1, 31, 12, 0, 0, 0, 0, -1))
    assert Rotation.of("daily").period_at(noon_s) == "2026-01-31"
    assert Rotation.of("HOURLY").period_at(noon_s) == "2026-01-31_12"


@pytest.mark.parametrize("text", ["", "weekly", "0", "-1", "1.5M", "M", "1T"])
def test_what_is_no_rotation(text: str) -> None:
    with pytest.raises(ValueError, match="is not daily, hourly or a size such as 100MB"):
        Rotation.of(text)


def test_lines_are_appended_and_directories_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "app.log"
    for text in (b"1\n", b"2\n"):
        file = LogFile(path)
        assert file.write(text) == 2
        file.close()
    assert files(path) == {"": "1\n2\n"}


@pytest.mark.parametrize(("keep", "left"), [(0, ["", ".1", ".2", ".3"]), (2, ["", ".1", ".2"])])
def test_a_file_is_changed_before_it_is_too_large(path: Path, keep: int, left: list[str]) -> None:
    file = LogFile(path, Rotation.of("8"), keep)
    for number in range(7):
        file.write(b"%03d\n" % number)
    file.close()
    found = files(path)
    assert sorted(found) == left
    assert found[""] == "006\n"
    assert found[".1"] == "004\n005\n"
    assert found[".2"] == "002\n003\n"


def test_a_write_beyond_the_size_gets_a_file_of_its_own(path: Path) -> None:
    file = LogFile(path, Rotation.of("4"))
    for _ in range(2):
        file.write(b"longer\n")
    file.close()
    assert files(path) == {"": "longer\n", ".1": "longer\n"}


def test_numbers_of_files_that_are_gone_are_used_first(path: Path) -> None:
    for number in (1, 3):
        Path(f"{path}.{number}").write_text(f"{number}\n")
    path.write_text("0\n")
    file = LogFile(path, Rotation.of("2"))
    file.write(b"new\n")
    file.close()
    assert files(path) == {"": "new\n", ".1": "0\n", ".2": "1\n", ".3": "3\n"}


def days_ago(path: Path, count: int) -> str:
    """Make the file's last line so old; return the day."""
    then_s = time.time() - 86400 * count
    os.utime(path, (then_s, then_s))
    return time.strftime("%Y-%m-%d", time.localtime(then_s))


def test_a_file_that_is_found_is_of_the_day_of_its_last_line(path: Path) -> None:
    path.write_text("old\n")
    day = days_ago(path, 3)
    file = LogFile(path, Rotation.of("daily"))
    file.write(b"new\n")
    file.write(b"newer\n")
    file.close()
    assert files(path) == {"": "new\nnewer\n", f".{day}": "old\n"}


def test_an_empty_file_is_never_moved(path: Path) -> None:
    path.touch()
    days_ago(path, 3)
    file = LogFile(path, Rotation.of("daily"))
    file.write(b"new\n")
    file.close()
    assert files(path) == {"": "new\n"}


def test_nothing_is_written_over_and_the_newest_are_kept(path: Path) -> None:
    path.write_text("old\n")
    day = days_ago(path, 3)
    for suffix in (day, f"{day}.1", "1999-12-31", "1999-12-30", "txt"):
        Path(f"{path}.{suffix}").write_text(f"{suffix}\n")
    file = LogFile(path, Rotation.of("daily"), keep=4)
    file.write(b"new\n")
    file.close()
    assert files(path) == {
        "": "new\n",
        f".{day}.2": "old\n",
        f".{day}.1": f"{day}.1\n",
        f".{day}": f"{day}\n",
        ".1999-12-31": "1999-12-31\n",
        ".txt": "txt\n",
    }


def test_a_file_that_was_moved_away_is_made_anew(path: Path) -> None:
    file = LogFile(path)
    file.write(b"1\n")
    path.rename(f"{path}.moved")
    file.write(b"2\n")
    path.unlink()
    file.reopen()
    assert files(path) == {"": "", ".moved": "1\n"}
    file.close()


def test_a_process_that_cannot_have_the_lock_writes_on(path: Path) -> None:
    import fcntl

    file = LogFile(path, Rotation.of("2"))
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        for text in (b"1\n", b"2\n"):
            file.write(text)
    finally:
        os.close(directory)
    assert files(path) == {"": "1\n2\n"}
    file.write(b"3\n")
    file.close()
    assert files(path) == {"": "3\n", ".1": "1\n2\n"}


def test_a_path_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory"):
        LogFile(tmp_path)


# ---- the handler ----


def test_what_a_handler_writes(path: Path) -> None:
    handler = FileHandler(path, "2", 1)
    for text in ("ä", "\udcff"):
        handler.handle(logging.makeLogRecord({"msg": text}))
    handler.close()
    assert files(path) == {"": "\\udcff\n", ".1": "ä\n"}


def test_what_the_file_does_not_take_goes_to_stderr(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = FileHandler(path)

    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    handler.handle(logging.makeLogRecord({"msg": "text"}))
    monkeypatch.undo()
    handler.close()
    assert capsys.readouterr().err == "text\n"


# ---- several processes ----

WRITER = """
import random, sys
from pathlib import Path
from fastserve.logfile import LogFile, Rotation

path, name, period, size, count, files = sys.argv[1:]
file = LogFile(path, Rotation(period, int(size)))
batch = random.Random(name)
written = 0
while written < int(count) or len(list(Path(path).parent.iterdir())) < int(files):
    more = batch.randint(1, 20)
    lines = "".join(f"{name} {written + i} {'x' * (written % 50)}\\n" for i in range(more)).encode()
    assert file.write(lines) == len(lines)
    written += more
file.close()
print(written)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_belongs_to_who_had_the_one_before(path: Path) -> None:
    """Else workers that are not root's could not write to what a parent that is has made."""
    file = LogFile(path, Rotation(size_bytes_max=10))
    os.chown(path, 65534, 65533)
    file.write(b"whole line\n")
    file.write(b"next\n")
    path.rename(path.with_name("app.log.2"))
    file.reopen()
    file.close()
    assert sorted(files(path)) == ["", ".1", ".2"]
    for found in path.parent.iterdir():
        assert (found.stat().st_uid, found.stat().st_gid) == (65534, 65533)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_is_found_behind_a_link_stays_whose_it_is(path: Path) -> None:
    file = LogFile(path)
    os.chown(path, 65534, 65533)
    path.unlink()
    secret = path.with_name("secret")
    secret.touch()
    path.symlink_to(secret)
    file.reopen()
    file.close()
    assert secret.stat().st_uid == 0


def test_a_file_that_cannot_be_made_anew_takes_lines_where_it_was_moved(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until somebody who may has made it."""
    file = LogFile(path)
    path.rename(path.with_name("app.log.1"))

    def refuse(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        assert file.write(b"1\n") == 2
        with pytest.raises(PermissionError):
            file.reopen()
        assert file.write(b"2\n") == 2
    assert file.write(b"3\n") == 2
    file.close()
    assert files(path) == {".1": "1\n2\n", "": "3\n"}


@pytest.mark.parametrize(
    ("period", "size", "count", "least"),
    [("", 20_000, 4000, 20), (EVERY_SECOND, 0, 100, 4)],
    ids=["by size", "by time"],
)
def test_no_line_is_lost_or_doubled(path: Path, period: str, size: int, count: int, least: int) -> None:
    """Four processes write without a pause, until there are so many files."""
    names = ["a", "b", "c", "d"]
    arguments = [period, str(size), str(count), str(least)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name, *arguments], stdout=subprocess.PIPE, text=True
        )
        for name in names
    ]
    expected: Counter[str] = Counter()
    try:
        for name, writer in zip(names, writers, strict=True):
            written = int(writer.communicate(timeout=60)[0])
            expected.update(f"{name} {number} " for number in range(written))
    finally:
        for writer in writers:
            if writer.poll() is None:
                writer.kill()
                writer.wait()
    found = files(path)
    assert len(found) >= least
    lines = Counter(line.rstrip("x") for content in found.values() for line in content.splitlines())
    assert lines == expected
