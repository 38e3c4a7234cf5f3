"""The access log is believed only where it has a line for each answer."""

from pathlib import Path

import pytest

from bench.load import check_log
from fastserve.measure.spread import Void


def test_a_log_with_too_few_lines_is_void(tmp_path: Path) -> None:
    stdout, stderr = tmp_path / "stdout", tmp_path / "stderr"
    stdout.write_bytes(b"line\n" * 99)
    stderr.write_bytes(b"")
    check_log(stdout, stderr, 99)
    check_log(stderr, stdout, 99)
    with pytest.raises(Void, match="99 lines for 100"):
        check_log(stdout, stderr, 100)
