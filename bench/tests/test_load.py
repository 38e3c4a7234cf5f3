"""wrk's counts are believed only where bytes and answers agree and nothing went wrong."""

from pathlib import Path

import pytest

from bench.load import Load, check, check_log
from bench.workload import Void

LINE = (
    '{"requests": 1000, "bytes": 130500, "duration_us": 2000000, "p50_us": 500, "p99_us": 2500, '
    '"errors": {"connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0}}'
)


def test_the_line_of_report_lua() -> None:
    load = Load.parse(LINE, busy_s=1.0)
    assert (load.requests, load.bytes_read, load.duration_s) == (1000, 130500, 2.0)
    assert (load.p50_ms, load.p99_ms, load.busy) == (0.5, 2.5, 0.5)


@pytest.mark.parametrize("answer_bytes", [130, 129])
def test_answers_read_in_part_are_allowed_for(answer_bytes: int) -> None:
    check(Load.parse(LINE, 1.0), answer_bytes, in_flight=64)


@pytest.mark.parametrize("answer_bytes", [131, 100])
def test_bytes_that_do_not_fit_the_answers_are_void(answer_bytes: int) -> None:
    with pytest.raises(Void, match="130500 bytes in 1000 answers"):
        check(Load.parse(LINE, 1.0), answer_bytes, in_flight=64)


@pytest.mark.parametrize("name", ["connect", "read", "write", "status", "timeout"])
def test_any_error_is_void(name: str) -> None:
    with pytest.raises(Void, match=f"3 × {name}"):
        check(Load.parse(LINE.replace(f'"{name}": 0', f'"{name}": 3'), 1.0), 130, in_flight=64)


def test_no_answer_is_void() -> None:
    with pytest.raises(Void, match="no request"):
        check(Load(0, 0, 1.0, 0.0, 0.0, {}, 1.0), 130, in_flight=64)


def test_a_log_with_too_few_lines_is_void(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"line\n" * 99)
    check_log(log, 99)
    with pytest.raises(Void, match="99 lines for 100"):
        check_log(log, 100)
