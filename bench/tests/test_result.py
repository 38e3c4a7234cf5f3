"""Ratios are taken round by round, goals are judged by the median, and a void row judges nothing."""

import pytest

from bench.result import Row, Spread, WorkloadResult, judge
from bench.workload import Comparison, Entry, Sample, Workload
from bench.workloads import WORKLOADS


def row(name: str, *values: float, void: str = "") -> Row:
    return Row(Entry(name), [Sample(value) for value in values], void)


def rows(*known: Row) -> dict[str, Row]:
    return {one.entry.name: one for one in known}


def test_the_median_of_the_ratios_is_not_the_ratio_of_the_medians() -> None:
    measured = rows(row("a", 1, 20, 3), row("b", 1, 10, 6))
    outcome = judge(Comparison("a", "b"), measured)
    assert outcome.spread == Spread(1, 0.5, 2)  # 1/1, 20/10, 3/6; the medians would give 3/6
    assert outcome.met is None
    assert outcome.verdict == ""


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((1.1, 1.2, 1.25), "met"),
        ((1.1, 1.2, 1.4), "met, within the spread"),
        ((1.2, 1.4, 1.5), "not met, within the spread"),
        ((1.4, 1.5, 1.6), "not met"),
        ((1.3, 1.3, 1.3), "met, within the spread"),
    ],
)
def test_at_most(values: tuple[float, ...], verdict: str) -> None:
    measured = rows(row("a", *values), row("b", 1, 1, 1))
    assert judge(Comparison("a", "b", at_most=1.3), measured).verdict == verdict


@pytest.mark.parametrize(("value", "verdict"), [(2.9, "not met"), (3.1, "met")])
def test_at_least(value: float, verdict: str) -> None:
    measured = rows(row("a", value), row("b", 1))
    assert judge(Comparison("a", "b", at_least=3), measured).verdict == verdict


def test_a_value_alone_is_judged_without_a_ratio() -> None:
    outcome = judge(Comparison("a", at_most=110), rows(row("a", 100, 120, 105)))
    assert outcome.spread == Spread(105, 100, 120)
    assert outcome.met


@pytest.mark.parametrize("broken", ["a", "b"])
def test_a_void_row_voids_its_comparisons(broken: str) -> None:
    measured = rows(row("a", 1, 1), row("b", 1, 1))
    measured[broken].void = "round 2: wrong body"
    outcome = judge(Comparison("a", "b", at_most=2), measured)
    assert outcome.spread is None
    assert outcome.verdict == "void"


def test_comparisons_follow_the_python_and_the_rows() -> None:
    hello = WORKLOADS["hello"]
    result = WorkloadResult(hello, rows(row("fastserve", 6), row("floor", 5)))
    assert [one.comparison.goal for one in result.outcomes((3, 13))] == ["≤ 1.3"]
    assert [one.comparison.goal for one in result.outcomes((3, 11))] == ["≤ 1.5"]


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda workload: workload.name)
def test_each_comparison_names_rows_of_its_workload(workload: Workload) -> None:
    names = {entry.name for entry in workload.entries}
    assert len(names) == len(workload.entries)
    for comparison in workload.comparisons:
        assert {comparison.numerator, comparison.denominator} - {None} <= names
