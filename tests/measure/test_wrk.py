"""wrk's counts are believed only where bytes and answers agree and nothing went wrong."""

import pytest

from fastserve.measure.spread import Void
from fastserve.measure.wrk import Load, check

LINE = (
    '{"requests": 1000, "bytes": 130500, "duration_us": 2000000, "p50_us": 500, "p99_us": 2500, '
    '"p999_us": 4000, "errors": {"connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0}}'
)


def test_the_line_of_report_lua() -> None:
    load = Load.parse(LINE, busy_s=1.0)
    assert (load.requests, load.bytes_read, load.duration_s) == (1000, 130500, 2.0)
    assert (load.p50_ms, load.p99_ms, load.p999_ms, load.busy) == (0.5, 2.5, 4.0, 0.5)


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
        check(Load(0, 0, 1.0, 0.0, 0.0, 0.0, {}, 1.0), 130, in_flight=64)


def test_answers_of_unknown_length_are_held_to_no_bytes() -> None:
    check(Load.parse(LINE, 1.0), None, in_flight=64)
