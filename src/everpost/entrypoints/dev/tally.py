"""What became of mails, by what the sandbox providers caught.

Nothing that the server says of itself is taken for proof.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct


class Sent(Struct, frozen=True):
    """One mail of ours that was handed in. `id` is None if it was not acknowledged."""

    id: str | None
    at: float
    answered_ms: float


class Arrival(Struct, frozen=True):
    """A copy of a mail at a provider."""

    message: str
    provider: str
    at: float


class Tally(Struct, frozen=True, kw_only=True):
    """Times are milliseconds since the mail was handed in."""

    mails: int
    acknowledged: int
    sent_by: dict[str, int]  # copies by provider
    lost: int  # acknowledged, and no provider has it
    duplicated: int
    acknowledged_p50_ms: float
    acknowledged_p99_ms: float
    handed_over_p50_ms: float
    handed_over_p99_ms: float

    @property
    def is_good(self) -> bool:
        return self.acknowledged == self.mails and not self.lost and not self.duplicated


def tally(sent: Sequence[Sent], arrivals: Iterable[Arrival]) -> Tally:
    """Of these mails; copies of others do not count."""
    sent_at = {one.id: one.at for one in sent if one.id is not None}
    copies: dict[str, list[float]] = defaultdict(list)  # by message: when each one was received
    carriers: Counter[str] = Counter()
    for arrival in arrivals:
        if arrival.message in sent_at:
            copies[arrival.message].append(arrival.at)
            carriers[arrival.provider] += 1
    answered = [one.answered_ms for one in sent if one.id is not None]
    handed_over = [(min(received) - sent_at[message]) * 1000 for message, received in copies.items()]
    return Tally(
        mails=len(sent),
        acknowledged=len(sent_at),
        sent_by=dict(sorted(carriers.items())),
        lost=len(sent_at.keys() - copies.keys()),
        duplicated=sum(len(received) > 1 for received in copies.values()),
        acknowledged_p50_ms=percentile(answered, 50),
        acknowledged_p99_ms=percentile(answered, 99),
        handed_over_p50_ms=percentile(handed_over, 50),
        handed_over_p99_ms=percentile(handed_over, 99),
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """By nearest rank; 0 of no values."""
    if not values:
        return 0.0
    rank = -(-len(values) * percent // 100)
    return round(sorted(values)[rank - 1], 1)
