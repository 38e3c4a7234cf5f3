"""What h2load prints is believed only where each request was answered."""

import pytest

from bench.h2load import parse
from fastserve.measure.spread import Void

SAID = """\
finished in 501.44ms, 2000.00 req/s, 16.31MB/s
requests: 4 total, 4 started, 4 done, {good} succeeded, {failed} failed, 0 errored, 0 timeout
status codes: {good} 2xx, 0 3xx, 0 4xx, {failed} 5xx
traffic: 8.18MB (536) total, 5.25MB (344) headers (space savings 0.00%), 812.50KB (52) data
"""


def test_the_numbers_are_those_that_were_printed() -> None:
    counted = parse(SAID.format(good=4, failed=0), 4, [100, 200, 300, 4000], 0.001)
    assert (counted.wire_bytes, counted.body_bytes, counted.duration_s) == (536, 52, 0.002)
    assert (counted.percentile_ms(50), counted.percentile_ms(100)) == (0.2, 4.0)


def test_a_failure_is_void() -> None:
    with pytest.raises(Void, match="of 4 requests h2load saw 3 succeed, 3 with 2xx, 1 fail"):
        parse(SAID.format(good=3, failed=1), 4, [1, 2, 3, 4], 0.001)


def test_other_words_are_void() -> None:
    with pytest.raises(Void, match="printed 'Could not resolve'"):
        parse("Could not resolve", 4, [], 0.001)
