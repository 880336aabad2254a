"""What must hold, at all times and at the end of every run, checked against the providers' own books."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from everpost.core.resolving import patience_s
from everpost.model.delivery import FINAL, Delivery, DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.message import OnUnknown
from everpost.store.port import Stored
from sim.nodes import account
from sim.report import Report
from sim.world import LAG_S, World

ATTEMPTS_MAX = 60  # of one delivery in one run: work is bounded even in a storm
PATIENCE_S = patience_s(account("any"), LAG_S)

_ENDINGS = {
    EventType.SENT: DeliveryState.SENT,
    EventType.FAILED: DeliveryState.FAILED,
    EventType.CANCELLED: DeliveryState.CANCELLED,
    EventType.HELD: DeliveryState.HELD,
}


def broken(report: Report, world: World) -> list[str]:
    """Every broken promise in words; empty: all were kept."""
    trails: dict[str, list[Event]] = defaultdict(list)
    for recorded in report.events:
        if recorded.event.delivery_id is not None:
            trails[recorded.event.delivery_id].append(recorded.event)
    found = [*world.breaks, *_acknowledgements(report), *_relayed(report)]
    found += [f"{id_}: handed over without a trace" for id_ in world.handed_over() if not trails[id_]]
    resends: Counter[str] = Counter()
    for stored in report.stored.values():
        for delivery in stored.deliveries:
            trail = trails[delivery.id]
            resends[stored.message.subject] += sum(_is_resend(event) for event in trail)
            found += _delivery(delivery, trail, report, world)
            found += _trail(delivery, trail)
            found += _attempts(delivery, trail, report, world)
    found += [f"{mail}: taken {count} times" for mail, count in world.mails.items() if count > 1 + resends[mail]]
    return found


def unbalanced(before: Mapping[str, Stored], report: Report) -> Iterator[str]:
    """What must hold at every moment: nothing vanishes, all states add up to what was accepted, an end is an end."""
    counts = report.counts
    assert counts is not None
    if counts.accepted != sum(counts.by_state.values()):
        yield f"conservation: {counts.accepted} accepted, states {dict(counts.by_state)}"
    now = {delivery.id: delivery for stored in report.stored.values() for delivery in stored.deliveries}
    if counts.accepted != len(now):
        yield f"conservation: {counts.accepted} accepted, {len(now)} listed"
    for stored in before.values():
        for delivery in stored.deliveries:
            if delivery.id not in now:
                yield f"{delivery.id}: it is gone"
            elif delivery.state in FINAL and now[delivery.id].state is not delivery.state:
                yield f"{delivery.id}: it was {delivery.state} and is {now[delivery.id].state}"


def _acknowledgements(report: Report) -> Iterator[str]:
    for key, id_ in report.acknowledged.items():
        if id_ not in report.stored:
            yield f"{key}: acknowledged as {id_}, but it is gone"
    if len(set(report.acknowledged.values())) < len(report.acknowledged):
        yield "two keys were answered with the same message"


def _relayed(report: Report) -> Iterator[str]:
    """A sink is given every event, at least once, and those of a message in their order."""
    given = list({event["id"]: event for event in report.relayed}.values())  # as each came first
    missing = {recorded.event.id for recorded in report.events} - {event["id"] for event in given}
    yield from (f"{id_}: an event that no sink was given" for id_ in sorted(missing))
    by_message: dict[str, list[int]] = defaultdict(list)
    for event in given:
        by_message[event["message"]].append(event["seq"])
    yield from (f"{id_}: events out of order" for id_, seqs in by_message.items() if seqs != sorted(seqs))


def _delivery(delivery: Delivery, trail: Sequence[Event], report: Report, world: World) -> Iterator[str]:
    id_, state, taken = delivery.id, delivery.state, world.handed_over()[delivery.id]
    resends = sum(_is_resend(event) for event in trail)
    if state not in FINAL:
        yield f"{id_}: still {state} at the end ({delivery.reason})"
    if taken > 1 + resends:
        yield f"{id_}: handed over {taken} times by {world.owners()[id_]}"
    if state is DeliveryState.SENT and taken == 0:
        yield f"{id_}: said to be sent, but no provider has it"
    if state is not DeliveryState.SENT and taken and not _was_given_up(trail):
        yield f"{id_}: {state}, but a provider has it ({delivery.reason})"
    is_suppressed = any(event.type is EventType.SUPPRESSED for event in trail)
    if state is DeliveryState.FAILED and id_ not in world.refused_for_good and not is_suppressed:
        yield f"{id_}: failed without a refusal ({delivery.reason})"
    if state is DeliveryState.HELD and not _was_given_up(trail):
        yield f"{id_}: held without a reason ({delivery.reason})"
    if delivery.message_id in report.cancelled and state is not DeliveryState.CANCELLED:
        yield f"{id_}: cancelled, but it is {state}"
    if delivery.attempts > ATTEMPTS_MAX:
        yield f"{id_}: {delivery.attempts} attempts"


def _trail(delivery: Delivery, trail: Sequence[Event]) -> Iterator[str]:
    types = [event.type for event in trail]
    if types[:1] != [EventType.ACCEPTED]:
        yield f"{delivery.id}: its trail begins with {types[:1]}"
    if len({event.id for event in trail}) < len(trail):
        yield f"{delivery.id}: an event is told twice"
    attempted = [event.data["number"] for event in trail if event.type is EventType.ATTEMPTED]
    if attempted != list(range(1, delivery.attempts + 1)):
        yield f"{delivery.id}: attempts {attempted} in the trail, {delivery.attempts} in the state"
    ends = [type_ for type_ in types if type_ in _ENDINGS]
    if len(ends) != 1 or types[-1] != ends[0]:
        yield f"{delivery.id}: endings {ends} in the trail {types}"
    elif _ENDINGS[ends[0]] is not delivery.state:
        yield f"{delivery.id}: the trail ends in {ends[0]}, the state is {delivery.state}"


def _attempts(delivery: Delivery, trail: Iterable[Event], report: Report, world: World) -> Iterator[str]:
    """An attempt may only follow one that certainly did not hand over, or one that was given up in due time."""
    is_safe, began_at = True, 0.0
    for event in trail:
        match event.type:
            case EventType.ATTEMPTED:
                if not is_safe:
                    yield f"{delivery.id}: attempt {event.data['number']} began while the one before was unresolved"
                is_safe, began_at = False, world.told_at[event.id]
            case EventType.DEFERRED if "outcome" in event.data:
                is_safe = True
            case EventType.RESOLVED if event.data["verdict"] == "unresolved":
                is_safe = _is_resend(event)
                yield from _given_up(delivery, event, world.told_at[event.id] - began_at, report)
            case EventType.RESOLVED:
                is_safe = event.data["verdict"] == "absent"


def _given_up(delivery: Delivery, event: Event, after_s: float, report: Report) -> Iterator[str]:
    if report.is_askable:
        yield f"{delivery.id}: given up although every provider can be asked ({event.data['reason']})"
    if _is_resend(event) is not (report.on_unknown is OnUnknown.RESEND):
        yield f"{delivery.id}: the policy is {report.on_unknown}, it was told {event.data['action']}"
    if "no way to ask" not in event.data["reason"] and after_s < min(report.resolve_within_s, PATIENCE_S):
        yield f"{delivery.id}: given up after {after_s:.0f} s ({event.data['reason']})"


def _is_resend(event: Event) -> bool:
    return event.type is EventType.RESOLVED and event.data.get("action") == "resend"


def _was_given_up(trail: Iterable[Event]) -> bool:
    return any(event.type is EventType.RESOLVED and event.data["verdict"] == "unresolved" for event in trail)
