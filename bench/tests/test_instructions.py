"""Instructions are counted once each, and more than before are told."""

import pytest

from bench.instructions import Count, costs, judged

OUTPUT = """\
# callgrind format
positions: line
events: Ir
ob=(1) /here/fastserve/h1/parser.so
fl=(1) parser.c
fn=(1) parse
10 100
+2 20
cfn=(2) resp
calls=3 40
* 5000
cob=(2) /usr/lib/libc.so
cfn=(3) memcpy
calls=1 0
12 700

ob=(2)
fn=(3)
0 700

ob=(1)
fn=(2)
40 5000
""".splitlines()


def test_each_line_counts_for_its_own_object() -> None:
    assert costs(OUTPUT, "/here/fastserve") == (5120, 5820)


@pytest.mark.parametrize(
    ("found", "good", "said"),
    [
        (Count(1030, 5000, "a"), True, "+3.0% in fastserve's modules, +0.0% in all"),
        (Count(1031, 5000, "a"), False, "in fastserve's modules 1,031, +3.1%"),
        (Count(1000, 5151, "a"), False, "in all 5,151, +3.0%"),
        (Count(1000, 9000, "another build"), True, "+0.0% in fastserve's modules"),
    ],
)
def test_more_than_three_per_cent_are_told(found: Count, good: bool, said: str) -> None:
    fine, words = judged(found, Count(1000, 5000, "a"), "CPython")
    assert fine is good
    assert said in words


def test_without_a_row_nothing_is_compared_and_that_is_said() -> None:
    fine, words = judged(Count(1, 2, "a"), None, "CPython 3.99")
    assert fine
    assert "not compared" in words
