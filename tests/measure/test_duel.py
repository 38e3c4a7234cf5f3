"""What is said of two servers is what all rounds say."""

import pytest

from fastserve.measure.cost import Cost
from fastserve.measure.duel import Contender, check_same, verdict
from fastserve.measure.kernel import CpuTime
from fastserve.measure.spread import Void
from fastserve.measure.wrk import Load


def contender(name: str, *cpu_us: float, waited: float = 0.0, answer: bytes = b"") -> Contender:
    """One whose requests cost so much, in rounds of a second with 1,000 requests each."""
    load = Load(1000, 100_000, 1.0, 1.0, 2.0, 3.0, {}, 0.5)
    costs = [Cost(load, CpuTime(int(cpu * 1e6), int(waited * 1e9)), 10_000_000) for cpu in cpu_us]
    return Contender(name, lambda port: [], costs, answer)


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ((22, 18, 24), "here spends less: there takes 2.20 times the time (3 rounds: 1.80 to 2.40)."),
        ((5, 4, 8), "there spends less: here takes 2.00 times the time (3 rounds: 1.25 to 2.50)."),
        (
            (11, 9, 10),
            "No difference beyond the noise: there takes 1.00 times the CPU time of here for a request "
            "(3 rounds: 0.90 to 1.10).",
        ),
    ],
)
def test_the_verdict(theirs: tuple[float, ...], said: str) -> None:
    assert verdict(contender("here", 10, 10, 10), contender("there", *theirs)) == said


def test_answers_of_different_lengths_are_no_comparison() -> None:
    check_same([contender("here", 1, answer=b"ab"), contender("there", 1, answer=b"cd")])
    with pytest.raises(Void, match="2 bytes from here, 3 bytes from there"):
        check_same([contender("here", 1, answer=b"ab"), contender("there", 1, answer=b"cde")])


@pytest.mark.parametrize(("waited", "disturbed"), [(0.05, False), (0.2, True)])
def test_a_disturbed_run_is_told(waited: float, disturbed: bool) -> None:
    assert contender("here", 1, waited=waited).disturbed is disturbed
