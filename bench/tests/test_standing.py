"""Who is the first is told beside the best of the others, by all rounds together."""

import pytest

from bench.result import Row, WorkloadResult
from bench.standing import standing
from bench.workload import Sample
from bench.workloads import WORKLOADS
from fastserve.measure.spread import Side


def result(**values: tuple[float, ...]) -> WorkloadResult:
    rows = {name: Row(name, [Sample(value) for value in taken]) for name, taken in values.items()}
    return WorkloadResult(WORKLOADS["hello"], rows)


@pytest.mark.parametrize(
    ("ours", "side"), [((5, 6), Side.BELOW), ((9, 11), Side.NOISE), ((12, 13), Side.ABOVE)]
)
def test_beside_the_best_of_the_others(ours: tuple[float, ...], side: Side) -> None:
    found = standing(result(fastserve=ours, uvicorn=(20, 20), granian=(10, 10), nginx=(4, 4), floor=(4, 4)))
    assert found is not None
    assert (found.rival, found.side) == ("granian", side)


def test_yardsticks_are_no_rivals() -> None:
    assert standing(result(fastserve=(5, 5), nginx=(4, 4), floor=(4, 4))) is None


def test_a_void_row_is_no_rival() -> None:
    one = result(fastserve=(5, 5), uvicorn=(20, 20), granian=(3, 3))
    one.rows["granian"].void = "round 1: wrong body"
    found = standing(one)
    assert found is not None
    assert found.rival == "uvicorn"
