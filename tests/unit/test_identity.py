"""fastserve/supervisor/identity.py: which files become the workers', and which never do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastserve.supervisor.identity import Identity

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")

NOBODY = Identity(65534, 65533, None)


def owner(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid


def test_a_file_is_given_or_made(tmp_path: Path) -> None:
    there, new = tmp_path / "there", tmp_path / "new"
    there.write_text("a line")
    for path in (there, new):
        NOBODY.own(str(path))
        assert owner(path) == (65534, 65533)
    assert there.read_text() == "a line"


def test_what_a_link_leads_to_is_not_given(tmp_path: Path) -> None:
    """The directory may be the worker's, and the link too."""
    secret, link, broken = tmp_path / "secret", tmp_path / "link", tmp_path / "broken"
    secret.write_text("of root")
    link.symlink_to(secret)
    broken.symlink_to(tmp_path / "nothing")
    for path in (link, broken):
        NOBODY.own(str(path))
    assert owner(secret) == (0, 0)
    assert not (tmp_path / "nothing").exists()


def test_only_files_are_given(tmp_path: Path) -> None:
    """As `/dev/null` is none."""
    os.mkfifo(tmp_path / "pipe")
    NOBODY.own(str(tmp_path / "pipe"))
    assert owner(tmp_path / "pipe") == (0, 0)
