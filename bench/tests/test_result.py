"""Goals are judged by all rounds together, and a void row judges nothing; what is written is read again."""

import json

import pytest

from bench.result import Report, Row, WorkloadResult, dumped, judge
from bench.workload import Comparison, Sample
from bench.workloads import WORKLOADS
from fastserve.measure.spread import Spread


def row(name: str, *values: float, void: str = "", load_busy: float = 0.5) -> Row:
    return Row(name, [Sample(value, {"load_busy": load_busy}) for value in values], void)


def rows(*known: Row) -> dict[str, Row]:
    return {one.name: one for one in known}


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((1.1, 1.2, 1.25), "met"),
        ((1.1, 1.2, 1.4), "void: the goal lies within the noise"),
        ((1.2, 1.4, 1.5), "void: the goal lies within the noise"),
        ((1.4, 1.5, 1.6), "not met"),
        ((1.3, 1.3, 1.3), "met"),
    ],
)
def test_at_most(values: tuple[float, ...], verdict: str) -> None:
    measured = rows(row("a", *values), row("b", 1, 1, 1))
    assert judge(Comparison("a", "b", at_most=1.3), measured).verdict == verdict


@pytest.mark.parametrize(("value", "verdict"), [(2.9, "not met"), (3.1, "met")])
def test_at_least(value: float, verdict: str) -> None:
    measured = rows(row("a", value), row("b", 1))
    assert judge(Comparison("a", "b", at_least=3), measured).verdict == verdict


@pytest.mark.parametrize(
    ("values", "verdict"), [((0.9, 1.1), "no difference beyond the noise"), ((1.1, 1.2), "")]
)
def test_without_a_goal_it_is_told_when_there_is_no_difference(
    values: tuple[float, ...], verdict: str
) -> None:
    assert judge(Comparison("a", "b"), rows(row("a", *values), row("b", 1, 1))).verdict == verdict


def test_a_value_alone_is_judged_without_a_ratio() -> None:
    outcome = judge(Comparison("a", at_most=110), rows(row("a", 100, 120, 105)))
    assert outcome.spread == Spread(105, 100, 120)
    assert outcome.verdict == "void: the goal lies within the noise"


def test_what_two_rows_have_in_common_is_taken_from_both() -> None:
    measured = rows(row("a", 50, 62), row("b", 30, 32), row("alone", 20, 22))
    outcome = judge(Comparison("a", "b", beyond="alone", at_least=3), measured)
    assert outcome.spread == Spread(3.5, 3, 4)
    assert outcome.comparison.name == "a / b, beyond alone"


def test_a_row_that_spends_no_more_than_what_is_common_divides_nothing() -> None:
    measured = rows(row("a", 50), row("b", 19), row("alone", 20))
    assert judge(Comparison("a", "b", beyond="alone"), measured).spread is None


def test_a_void_row_judges_nothing() -> None:
    measured = rows(row("a", 1.0), row("b", 1.0, void="round 1: wrong body"))
    outcome = judge(Comparison("a", "b", at_most=2), measured)
    assert outcome.spread is None
    assert outcome.verdict == "void"


def test_half_a_round_compares_what_is_there() -> None:
    assert judge(Comparison("a", "b"), rows(row("a", 2, 4), row("b", 1))).spread == Spread(2, 2, 2)


@pytest.mark.parametrize(("busy", "saturated"), [(0.96, True), (0.9, False)])
def test_a_busy_client_is_told(busy: float, saturated: bool) -> None:
    assert row("a", 1, 2, load_busy=busy).saturated is saturated


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_compares_rows_that_it_has(name: str) -> None:
    workload = WORKLOADS[name]
    names = [entry.name for entry in workload.entries]
    assert workload.name == name
    assert len(names) == len(set(names))
    for comparison in workload.comparisons:
        assert set(comparison.rows) <= set(names)


def test_a_report_is_read_as_it_was_written() -> None:
    hello = WORKLOADS["hello"]
    measured = rows(row("fastserve", 1.25, 2.5), row("uvicorn", 4.5, void="round 2: wrong body"))
    report = Report(
        {"cpu": "some", "cores": 2, "kernel": "Linux 6"},
        "CPython 3.13.0",
        (3, 13),
        {"fastserve": "fastserve 1"},
        {},
        {"load_s": 1},
        2,
        [WorkloadResult(hello, measured)],
    )
    again = Report.from_json(json.loads(dumped(report)))
    assert again == report
    assert dumped(again) == dumped(report)
