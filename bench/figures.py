"""Numbers from samples: medians, quantiles, ratios within one round, and a histogram of bounded size."""

import math
import statistics
from collections.abc import Iterable, Sequence

HALVES = 64  # buckets for each doubling: a value is told to within 1.6 %
LEAST_S = 1e-6


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def ratio(parts: Iterable[float], wholes: Iterable[float]) -> float:
    """The median of the ratios, each within one round: what disturbs a round disturbs both."""
    return median(part / whole for part, whole in zip(parts, wholes, strict=True))


def quantile(values: Sequence[float], share: float) -> float:
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


class Histogram:
    """Counts of durations in buckets that grow with the value, as HdrHistogram has them: as many as the octaves that
    occur need, however many values there are."""

    def __init__(self) -> None:
        self.count = 0
        self._buckets: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        self.count += 1
        bucket = _bucket(seconds)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def quantile_s(self, share: float) -> float:
        """The upper end of the bucket that the value of this rank is in; 0 of no values."""
        left = share * self.count
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return _upper_s(bucket)
        return 0.0


def _bucket(seconds: float) -> int:
    units = int(seconds / LEAST_S)
    octave = max(0, units.bit_length() - HALVES.bit_length())
    return octave * HALVES + (units >> octave)


def _upper_s(bucket: int) -> float:
    octave = max(0, bucket // HALVES - 1)
    return ((bucket - octave * HALVES + 1) << octave) * LEAST_S
