"""What must hold at all times and at the end of every run, checked against the providers' own books.

What can be judged as it is written is judged there: by `witness`, and by `world` at the first byte of each request.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from everpost.core.recipients import _RUNGS as RUNGS
from everpost.core.recipients import PREFIX, statuses_of
from everpost.core.resolving import START_S
from everpost.model.delivery import FINAL, Delivery, DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.recipient import RecipientState
from everpost.model.sighting import SightingKind
from everpost.store.port import Stored
from sim.nodes import EPOCH
from sim.plan import DAY_S
from sim.providers import TIMEOUTS, SimProvider
from sim.report import Report
from sim.witness import Trail
from sim.world import World

ATTEMPTS_MAX = 60  # of one delivery in one run: work is bounded even in a storm
LATE_S = 0.1  # by so much nodes may be apart that have right clocks

ENDS = {SightingKind.DELIVERED, SightingKind.BOUNCED}
_ENDINGS = {
    EventType.SENT: DeliveryState.SENT,
    EventType.FAILED: DeliveryState.FAILED,
    EventType.CANCELLED: DeliveryState.CANCELLED,
    EventType.HELD: DeliveryState.HELD,
}


def broken(report: Report, world: World) -> list[str]:
    """Every broken promise in words; empty: all were kept."""
    trails, taken = world.witness.trails, world.handed_over()
    found = [*world.breaks, *world.witness.breaks, *_acknowledgements(report), *_trail_as_stored(report, world)]
    found += [f"{id_}: handed over without a trace" for id_ in taken if id_ not in trails]
    resends: Counter[str] = Counter()
    deliveries = {delivery.id: delivery for stored in report.stored.values() for delivery in stored.deliveries}
    for id_, trail in trails.items():
        resends[trail.mail] += trail.resends
        if id_ not in deliveries:
            found.append(f"{id_}: it is gone")
        else:
            found += _delivery(deliveries[id_], trail, taken[id_], report, world)
            found += _reason(deliveries[id_], trail, world)
            found += _ending(deliveries[id_], trail, world)
    found += [f"{mail}: taken {count} times" for mail, count in world.mails.items() if count > 1 + resends[mail]]
    found += _told(report)
    for provider in world.providers.values():
        found += _quota(provider, len(report.plan.nodes), world)
    return found


def unbalanced(before: Mapping[str, Stored], report: Report) -> Iterator[str]:
    """What must hold at every moment: nothing vanishes, all states add up to what was accepted."""
    counts = report.counts
    assert counts is not None
    if counts.accepted != sum(counts.by_state.values()):
        yield f"conservation: {counts.accepted} accepted, states {dict(counts.by_state)}"
    now = sum(len(stored.deliveries) for stored in report.stored.values())
    if counts.accepted != now:
        yield f"conservation: {counts.accepted} accepted, {now} listed"
    yield from (f"{id_}: it is gone" for id_ in before if id_ not in report.stored)


def fallen(before: Mapping[str, Stored], report: Report) -> Iterator[str]:
    """Whatever comes, and in whatever order: what is known of a recipient never becomes less."""
    for id_, was in before.items():
        now = report.stored.get(id_)
        for place, (earlier, later) in enumerate(zip(_rungs(was), _rungs(now) if now else (), strict=False)):
            if later < earlier:
                yield f"{id_}: its recipient {place} went down from rung {earlier} to {later}"


def _rungs(stored: Stored) -> list[int]:
    return [RUNGS[one.state] for one in statuses_of(stored.message, stored.deliveries, stored.events)]


def _told(report: Report) -> Iterator[str]:
    """What a provider was answered for is on the trail once, and shows."""
    hooks = report.hooks
    if hooks is None:
        return
    noted = Counter(one.event.id for one in report.events if one.event.type.startswith(PREFIX))
    if lost := sum(len(ids) for ids in hooks.told.values()) and len(hooks.taken) - len(noted):
        yield f"{lost} events were answered for and are not on the trail, or are there without"
    for stored in report.stored.values():
        emails = [address.email for address in stored.message.recipients]
        told = [one for each in stored.deliveries for one in hooks.told.get(each.id, ())]
        for sighting in told:
            rung = RUNGS[RecipientState.DELIVERED] if sighting.kind in ENDS else RUNGS[RecipientState.SENT]
            place = emails.index(sighting.recipient or "")
            if _rungs(stored)[place] < rung:
                yield f"{stored.message.id}: {sighting.kind} was told of recipient {place}, and does not show"


def _acknowledgements(report: Report) -> Iterator[str]:
    for mail, id_ in report.acknowledged.items():
        if id_ not in report.stored:
            yield f"{mail}: acknowledged as {id_}, but it is gone"
        elif report.stored[id_].message.subject != mail:
            yield f"{mail}: acknowledged as {id_}, which is {report.stored[id_].message.subject}"
    if len(set(report.acknowledged.values())) < len(report.acknowledged):
        yield "two mails were answered with the same message"
    if missing := report.plan.mails - len(report.acknowledged) - len(report.refused):
        yield f"{missing} mails were never answered"


def _trail_as_stored(report: Report, world: World) -> Iterator[str]:
    """The trail holds what was written, once each and in order; and a sink was given all of it, in order."""
    stored = [one.event.id for one in report.events if one.event.delivery_id is not None]
    if len(stored) != len(set(stored)):
        yield "an event is told twice"
    if difference := set(stored) ^ world.witness.events:
        yield f"{min(difference)}: in the trail or written, and not both"
    by_delivery: dict[str, list[str]] = defaultdict(list)
    for one in report.events:
        if one.event.delivery_id is not None and _is_of_a_change(one.event):
            by_delivery[one.event.delivery_id].append(one.event.id)
    for id_, trail in world.witness.trails.items():
        if by_delivery[id_] != [event.id for event in trail.events if _is_of_a_change(event)] and not difference:
            yield f"{id_}: its trail is out of order"
    given = list({event["id"]: event for event in report.relayed}.values())  # as each came first
    missing = {one.event.id for one in report.events} - {event["id"] for event in given}
    yield from (f"{id_}: an event that no sink was given" for id_ in sorted(missing))
    by_message: dict[str, list[int]] = defaultdict(list)
    for event in given:
        by_message[event["message"]].append(event["seq"])
    yield from (f"{id_}: events out of order" for id_, seqs in by_message.items() if seqs != sorted(seqs))


def _is_of_a_change(event: Event) -> bool:
    """What providers tell is written beside the changes: only its own write has a place in their order."""
    return not event.type.startswith(PREFIX)


def _delivery(delivery: Delivery, trail: Trail, taken: int, report: Report, world: World) -> Iterator[str]:
    id_, state = delivery.id, delivery.state
    if state is not trail.state:
        yield f"{id_}: it is {state}, and was left as {trail.state}"
    if state not in FINAL:
        yield f"{id_}: still {state} at the end ({delivery.reason})"
    if taken > 1 + trail.resends:
        yield f"{id_}: handed over {taken} times by {world.owners()[id_]}"
    if state is DeliveryState.SENT and taken == 0:
        yield f"{id_}: said to be sent, but no provider has it"
    if state is not DeliveryState.SENT and taken and not trail.was_given_up:
        yield f"{id_}: {state}, but a provider has it ({delivery.reason})"
    if delivery.message_id in report.cancelled and state is not DeliveryState.CANCELLED:
        yield f"{id_}: cancelled, but it is {state}"
    if delivery.attempts > ATTEMPTS_MAX:
        yield f"{id_}: {delivery.attempts} attempts"


def _reason(delivery: Delivery, trail: Trail, world: World) -> Iterator[str]:
    """A mail that was not handed over has a reason that holds."""
    id_, state = delivery.id, delivery.state
    if trail.was_suppressed and not any((trail.project, one) in world.suppressed_at for one in trail.addresses):
        yield f"{id_}: a recipient was left out whom nobody in {trail.project} had barred"
    is_refused = id_ in world.refused_for_good or trail.was_suppressed or trail.has_expired
    if state is DeliveryState.FAILED and not is_refused:
        yield f"{id_}: failed without a refusal ({delivery.reason})"
    if state is DeliveryState.HELD and not trail.was_given_up:
        yield f"{id_}: held without a reason ({delivery.reason})"


def _ending(delivery: Delivery, trail: Trail, world: World) -> Iterator[str]:
    types = [event.type for event in trail.events if _is_of_a_change(event)]
    attempted = [event.data["number"] for event in trail.events if event.type is EventType.ATTEMPTED]
    if attempted != list(range(1, delivery.attempts + 1)):
        yield f"{delivery.id}: attempts {attempted} in the trail, {delivery.attempts} in the state"
    ends = [type_ for type_ in types if type_ in _ENDINGS]
    if ends == [EventType.HELD, EventType.SENT]:  # its provider has told of it
        ends = ends[1:]
    if len(ends) != 1 or types[-1] != ends[0]:
        yield f"{delivery.id}: endings {ends} in the trail {types}"
    elif _ENDINGS[ends[0]] is not delivery.state:
        yield f"{delivery.id}: the trail ends in {ends[0]}, the state is {delivery.state}"
    if not world.clocks_right:  # then a mail may leave too early or be given up too early; but never twice
        return
    first = min((times[0] for times in trail.intents.values()), default=None)
    if trail.send_at is not None and first is not None and EPOCH + first + LATE_S < trail.send_at:
        yield f"{delivery.id}: it left {trail.send_at - EPOCH - first:.1f} s before its time"
    if trail.has_expired and trail.ended_at is not None and EPOCH + trail.ended_at + LATE_S < trail.expires_at:
        yield f"{delivery.id}: it expired before its time"


def _quota(provider: SimProvider, nodes: int, world: World) -> Iterator[str]:
    """As the provider counts: what was charged to a window may leave after its end, but only by so much."""
    plan = provider.plan
    if not world.clocks_right:  # each wrong clock has windows of its own; their charges are watched by `witness`
        return
    late_s = START_S + TIMEOUTS.connect_s
    in_flight = nodes * plan.concurrency * min(plan.recipients_max, 3)
    for unit, length_s, amount_max in (("second", 1.0, plan.per_second), ("day", DAY_S, plan.per_day)):
        if amount_max is None:
            continue
        used: Counter[float] = Counter()
        for at, recipients in provider.first_bytes:
            used[(EPOCH + at) // length_s] += recipients
        most = max(used.values(), default=0)
        carried = min(in_flight, amount_max * (int(late_s // length_s) + 1))
        if most > amount_max + carried:
            yield f"quota: {provider.name} was asked for {most} in a {unit} that has {amount_max}"
