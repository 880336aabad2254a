"""What a drill has shown, in figures: pure functions of what was seen."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from math import ceil
from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from everpost.entrypoints.dev.drill import DrillState, Record, Run
from everpost.entrypoints.dev.script import length_s
from everpost.entrypoints.dev.tally import Tally, percentile, tally

_OVER: Final = frozenset({DrillState.DONE, DrillState.STOPPED})


class PartFigures(Tally, frozen=True, kw_only=True):
    """Of the mails that were handed in during one part."""

    title: str
    is_fault: bool
    from_s: float  # since the start of the drill
    to_s: float
    failover_s: Annotated[
        float | None, Meta(description="From the fault to the first of its mails that another provider had.")
    ]
    handed_over_max_ms: float


class AccountFigures(Struct, frozen=True, kw_only=True):
    provider: str
    mails: int
    busiest_s: Annotated[int, Meta(description="Mails in its busiest second.")]


class Figures(Struct, frozen=True, kw_only=True):
    state: DrillState
    first: Annotated[str, Meta(description="The provider that fails.")]
    started_at: float
    elapsed_s: float
    planned_s: float
    per_s: int
    total: Tally
    on_the_way: Annotated[int, Meta(description="Acknowledged, and not at a provider yet; 0 when it is over.")]
    failover_max_s: float | None
    parts: list[PartFigures]
    accounts: list[AccountFigures]
    accepted_by_s: Annotated[list[int], Meta(description="Mails that were acknowledged in each second.")]
    handed_over_by_s: Annotated[dict[str, list[int]], Meta(description="By provider: copies in each second.")]

    @property
    def is_over(self) -> bool:
        return self.state in _OVER


def figures(record: Record, now: float) -> Figures:
    """`now` is wall-clock time."""
    end = record.ended_at or now
    total = tally(record.sent, record.arrivals)
    is_over = record.state in _OVER
    parts = [_part(record, run, end) for run in record.runs]
    known = {one.id for one in record.sent}
    copies: dict[str, Counter[int]] = defaultdict(Counter)
    for arrival in record.arrivals:
        if arrival.message in known:
            copies[arrival.provider][int(arrival.at - record.started_at)] += 1
    accepted = Counter(int(one.at - record.started_at) for one in record.sent if one.id is not None)
    seconds = max(ceil(end - record.started_at), 1)
    names = sorted(copies, key=lambda name: (name != record.first, name))
    return Figures(
        state=record.state,
        first=record.first,
        started_at=record.started_at,
        elapsed_s=end - record.started_at,
        planned_s=length_s(record.request.part_s),
        per_s=record.request.per_s,
        total=total if is_over else structs.replace(total, lost=0),
        on_the_way=0 if is_over else total.lost,
        failover_max_s=max((part.failover_s for part in parts if part.failover_s is not None), default=None),
        parts=parts if is_over else [structs.replace(part, lost=0) for part in parts],
        accounts=[
            AccountFigures(provider=name, mails=copies[name].total(), busiest_s=max(copies[name].values()))
            for name in names
        ],
        accepted_by_s=_row(accepted, seconds),
        handed_over_by_s={name: _row(copies[name], seconds) for name in names},
    )


def _part(record: Record, run: Run, end: float) -> PartFigures:
    to_at = run.to_at or end
    sent = [one for one in record.sent if run.from_at <= one.at < to_at]
    sent_at = {one.id: one.at for one in sent if one.id is not None}
    own = [arrival for arrival in record.arrivals if arrival.message in sent_at]
    elsewhere = [arrival.at for arrival in own if arrival.provider != record.first]
    is_fault = run.part.fault is not None
    return PartFigures(
        title=run.part.title,
        is_fault=is_fault,
        from_s=run.from_at - record.started_at,
        to_s=to_at - record.started_at,
        failover_s=min(elsewhere) - run.from_at if is_fault and elsewhere else None,
        handed_over_max_ms=percentile([wait for _, _, wait in waits(record, sent_at)], 100),
        **structs.asdict(tally(sent, own)),
    )


def waits(record: Record, sent_at: Mapping[str, float] | None = None) -> list[tuple[float, str, float]]:
    """Of each mail that has arrived: when it was handed in (s since the start), where it was first, and the
    milliseconds in between."""
    if sent_at is None:
        sent_at = {one.id: one.at for one in record.sent if one.id is not None}
    first: dict[str, tuple[float, str]] = {}
    for arrival in record.arrivals:
        if arrival.message in sent_at:
            first[arrival.message] = min(
                first.get(arrival.message, (arrival.at, arrival.provider)), (arrival.at, arrival.provider)
            )
    return [
        (sent_at[message] - record.started_at, provider, (at - sent_at[message]) * 1000)
        for message, (at, provider) in first.items()
    ]


def _row(counts: Mapping[int, int], seconds: int) -> list[int]:
    return [counts.get(second, 0) for second in range(seconds)]
