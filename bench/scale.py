"""How much is measured."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Scale:
    rounds: int
    seconds: float  # of a round of requests
    mails: int  # of a round of deliveries
    sequential: int  # requests of a round of latencies
    starts: int
    queued: int
    cases: int  # mails of a fault case
    stored: int  # mails that a store holds already
    answer_s: float = 0.05  # of the provider
    quick: bool = False


FULL = Scale(
    rounds=5, seconds=3.0, mails=8000, sequential=300, starts=7, queued=1_000_000, cases=1000, stored=1_000_000
)
QUICK = Scale(
    rounds=3,
    seconds=1.0,
    mails=2000,
    sequential=100,
    starts=3,
    queued=100_000,
    cases=200,
    stored=100_000,
    quick=True,
)


def scale(*, quick: bool, stored: int | None, rounds: int | None) -> Scale:
    chosen = QUICK if quick else FULL
    return replace(chosen, stored=stored or chosen.stored, rounds=rounds or chosen.rounds)
