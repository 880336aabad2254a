"""The bench's arithmetic."""

import math
import random

import pytest

from figures import HALVES, Histogram, median, quantile, ratio


def test_a_ratio_is_taken_within_each_round_before_the_median():
    """The machine was twice as slow in the second round and ten times in the third: the ratio is still 3."""
    assert ratio([3, 1.5, 0.3], [1, 0.5, 0.1]) == pytest.approx(3)
    assert median([3, 1.5, 0.3]) / median([1, 0.1, 0.1]) != pytest.approx(3)


def test_a_ratio_needs_both_parts_of_every_round():
    with pytest.raises(ValueError, match="shorter"):
        ratio([1, 2], [1])


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.991, 100), (1.0, 100)]
)
def test_a_quantile_is_the_least_value_that_so_many_do_not_exceed(share, value):
    assert quantile(random.Random(1).sample(range(1, 101), 100), share) == value


def test_a_histogram_tells_each_quantile_within_one_bucket():
    chance = random.Random(7)
    values = [chance.lognormvariate(-5, 2) for _ in range(20_000)]
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    assert histogram.count == len(values)
    for share in (0.1, 0.5, 0.9, 0.99, 0.999):
        exact = quantile(values, share)
        assert exact <= histogram.quantile_s(share) <= exact * (1 + 1 / HALVES) + 2e-6


@pytest.mark.parametrize("value", [0.0, 1e-6, 63e-6, 64e-6, 127e-6, 128e-6, 0.5, 3600.0])
def test_a_bucket_ends_where_the_next_one_begins(value):
    one, two = Histogram(), Histogram()
    one.add(value)
    end = one.quantile_s(1.0)
    assert end > value
    two.add(end + 1e-9)
    assert two.quantile_s(1.0) > end


def test_a_histogram_of_nothing_tells_nothing():
    assert Histogram().quantile_s(0.99) == 0.0


def test_a_histogram_is_no_larger_for_more_values():
    histogram = Histogram()
    for number in range(100_000):
        histogram.add(number * 1e-5)
    assert len(histogram._buckets) <= HALVES * math.ceil(math.log2(1e6))
