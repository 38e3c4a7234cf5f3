"""Ratios are taken round by round, and what lies within the noise is not decided."""

import pytest

from fastserve.measure.spread import Side, Spread, ratios


def test_the_median_of_the_ratios_is_not_the_ratio_of_the_medians() -> None:
    assert ratios([1, 20, 3], [1, 10, 6]) == Spread(1, 0.5, 2)  # 1/1, 20/10, 3/6; the medians would give 3/6


@pytest.mark.parametrize(
    ("values", "side"),
    [
        ((0.7, 0.8, 0.9), Side.BELOW),
        ((1.1, 1.2, 1.3), Side.ABOVE),
        ((0.9, 1.1, 1.2), Side.NOISE),
        ((1.0, 1.1, 1.2), Side.NOISE),
        ((0.8, 0.9, 1.0), Side.NOISE),
    ],
)
def test_a_side_is_told_where_all_rounds_agree(values: tuple[float, ...], side: Side) -> None:
    assert Spread.of(values).side_of(1) is side


def test_noise_is_a_share_of_the_median() -> None:
    assert Spread.of([9, 10, 12]).noise == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(1, 0, 0), (2, 0, 1), (8, 0, 7), (9, 1, 7), (11, 1, 9), (12, 2, 9), (20, 5, 14)],
)
def test_many_rounds_tell_more_than_few(count: int, low: int, high: int) -> None:
    """The ranks are those of the sign test: tables of it give as many to leave out, for two sides and 5 %."""
    spread = Spread.of(float(value) for value in reversed(range(count)))
    assert (spread.low, spread.high) == (low, high)
