"""What clients were promised, what the server says and what the providers have caught, and where they disagree."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from msgspec import Struct

from crash.load import Acknowledged
from crash.processes import LOOKS_APART_S, Blow, Installation, Process, until
from everpost.engine.lease import LEASE_S
from everpost.model.limits import EVENTS_PAGE_MAX, PAGE_MAX

TOLD_WITHIN_S = 2 * LEASE_S  # the lease of a process that was killed has to end first
IN_HAND_WITHIN_S = 60.0
OPEN = ("queued", "sending", "uncertain")
ENDINGS = {"email.sent": "sent", "email.failed": "failed", "email.held": "held", "email.cancelled": "cancelled"}
_DELIVERIES = re.compile(r'^everpost_deliveries\{state="(\w+)"\} (\S+)$', re.MULTILINE)
_UNACCOUNTED = re.compile(r"^everpost_deliveries_unaccounted (\S+)$", re.MULTILINE)
_TYPE_PREFIX = "dev.everpost."


class Caught(Struct, frozen=True):
    """A mail that a provider of the sandbox has taken."""

    delivery_id: str
    subject: str
    arrived_at: float = 0.0  # its last byte, at the sandbox's machine
    read_at: float = 0.0


class Books(Struct, kw_only=True):
    promised: Sequence[Acknowledged]
    caught: Sequence[Caught]
    states: Mapping[str, str]  # by message id
    events: Sequence[Mapping[str, Any]]  # the audit trail, in order
    by_state: Mapping[str, int]  # what the server counts
    unaccounted: int
    blows: Sequence[Blow] = ()  # to all processes, in order
    looks_apart_s: float = LOOKS_APART_S  # two questions after which the quickest of the servers believes an absence


async def states_of(place: Installation, server: Process) -> tuple[dict[str, int], int]:
    """How many deliveries are in each state, and how many in none."""
    text = await place.call(server, "GET", "/metrics")
    found = _UNACCOUNTED.search(text)
    assert found is not None
    return {state: int(float(number)) for state, number in _DELIVERIES.findall(text)}, int(float(found[1]))


async def in_hand(place: Installation, server: Process, count: int) -> None:
    """Returns when so many are being sent. What a process has told a database server before it is killed may still be
    written after that: of a few in hand none may be left."""

    async def are_sending() -> bool:
        by_state, _ = await states_of(place, server)
        return by_state["sending"] >= count

    await until(are_sending, IN_HAND_WITHIN_S)


async def settled(place: Installation, server: Process, within_s: float) -> None:
    """Returns when nothing is queued, sending or uncertain any more."""

    async def nothing_is_open() -> bool:
        by_state, unaccounted = await states_of(place, server)
        assert unaccounted == 0, by_state
        return not any(by_state[state] for state in OPEN)

    await until(nothing_is_open, within_s, every_s=0.3)


async def read_books(
    place: Installation,
    server: Process,
    promised: Sequence[Acknowledged],
    looks_apart_s: float = LOOKS_APART_S,
) -> Books:
    by_state, unaccounted = await states_of(place, server)
    return Books(
        promised=promised,
        caught=await _caught(place),
        states=await _states(place, server),
        events=[event async for event in _events(place, server)],
        by_state=by_state,
        unaccounted=unaccounted,
        blows=sorted((blow for server in place.servers for blow in server.blows), key=attrgetter("at")),
        looks_apart_s=looks_apart_s,
    )


async def _caught(place: Installation) -> list[Caught]:
    inbox = (await place.control("GET", "inbox?limit=1000000"))["data"]
    taken = (await place.control("GET", "ledger"))["taken"]
    caught = [Caught(mail["delivery_id"], mail["subject"], mail["arrived_at"], mail["received_at"]) for mail in inbox]
    assert Counter(mail.delivery_id for mail in caught) == taken, "the sandbox has caught more than it keeps"
    return caught


async def _states(place: Installation, server: Process) -> dict[str, str]:
    states, cursor = {}, ""
    while True:
        page = await place.call(server, "GET", f"/v1/emails?limit={PAGE_MAX}{cursor}")
        states |= {mail["id"]: mail["state"] for mail in page["data"]}
        if page["next_cursor"] is None:
            return states
        cursor = f"&cursor={page['next_cursor']}"


async def _events(place: Installation, server: Process) -> Any:
    cursor = ""
    while True:
        page = await place.call(server, "GET", f"/v1/events?limit={EVENTS_PAGE_MAX}{cursor}")
        if not page["data"]:
            return
        for event in page["data"]:
            yield event
        cursor = f"&after={page['next_cursor']}"


async def audited(
    place: Installation, server: Process, promised: Sequence[Acknowledged], within_s: float
) -> tuple[Books, set[str]]:
    """What is left is worked off, and the server ended: the books, and the events that its sink was not told."""
    await settled(place, server, within_s)
    books = await read_books(place, server, promised)

    def untold() -> set[str]:
        return {event["id"] for event in books.events} - {event["id"] for event in read_sink(place.events)}

    async def all_told() -> bool:
        try:
            return not untold()
        except ValueError:  # a line that is being written
            return False

    with suppress(TimeoutError):
        await until(all_told, TOLD_WITHIN_S)
    assert await server.end(30.0) == 0
    return books, untold()


def read_sink(path: Path) -> list[Mapping[str, Any]]:
    """Every line must be whole."""
    with path.open() as lines:
        return [json.loads(line) for line in lines]


# --- where they disagree ----------------------------------------------------------------------------------------------


def breaks(books: Books) -> list[str]:
    """Every broken promise in words; empty: all were kept."""
    return [*_broken_promises(books), *_double_mails(books), *_broken_trails(books), *_broken_sums(books)]


def trails(books: Books, found: Sequence[str]) -> list[str]:
    """What the audit trail tells of the messages that are named in broken promises, when their copies were caught, and
    what was done to the processes."""
    ids = {word for text in found for word in re.findall(r"em_\w+", text)}
    told = [json.dumps(event) for event in books.events if message_of(event["data"].get("delivery_id", "")) in ids]
    copies = [mail for mail in books.caught if message_of(mail.delivery_id) in ids]
    return [*told, *map(_told, copies), *(f"{_time(blow.at)} {blow.what} {blow.pid}" for blow in books.blows)]


def overslept(books: Books) -> list[str]:
    """Copies that nobody but the sandbox can be blamed for: they had arrived, and it read them only after an answer of
    its own to two questions, asked one after the other, had proven that it had them not. They are no breaks."""
    judged = Counter(_judged(books))
    return [_told(mail) for mail in (Counter(books.caught) - judged).elements()]


def _judged(books: Books) -> Iterator[Caught]:
    """All that was caught but for what was overslept."""
    absences = Counter(
        event["data"]["delivery_id"] for event in books.events if event["data"].get("verdict") == "absent"
    )
    copies = Counter(mail.delivery_id for mail in books.caught)
    for mail in books.caught:
        is_late = mail.read_at - mail.arrived_at > books.looks_apart_s
        if is_late and copies[mail.delivery_id] > 1 and absences[mail.delivery_id]:
            copies[mail.delivery_id] -= 1
            absences[mail.delivery_id] -= 1
        else:
            yield mail


def _told(mail: Caught) -> str:
    late_s = mail.read_at - mail.arrived_at
    return f"{_time(mail.arrived_at)} {mail.delivery_id} ({mail.subject}) arrived, and was read {late_s:.3f} s later"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).time().isoformat("milliseconds")


def _broken_promises(books: Books) -> Iterator[str]:
    copies = Counter(message_of(mail.delivery_id) for mail in _judged(books))
    by_key: dict[str, set[str]] = defaultdict(set)
    for line in books.promised:
        if line.id not in books.states:
            yield f"{line.id} (mail {line.number}): acknowledged, but the server knows nothing of it"
        if copies[line.id] != 1:
            yield f"{line.id} (mail {line.number}): acknowledged, and handed over {copies[line.id]} times"
        if line.key is not None:
            by_key[line.key].add(line.id)
    yield from (f"{key}: answered with {sorted(ids)}" for key, ids in by_key.items() if len(ids) > 1)


def _double_mails(books: Books) -> Iterator[str]:
    """Also of those that were never acknowledged: a request handed in once or with a key makes one mail at most."""
    subjects = Counter(mail.subject for mail in _judged(books))
    yield from (f"{subject}: caught {count} times" for subject, count in subjects.items() if count > 1)
    for mail in books.caught:
        if message_of(mail.delivery_id) not in books.states:
            yield f"{mail.delivery_id} ({mail.subject}): caught, but the server knows nothing of it"


def _broken_trails(books: Books) -> Iterator[str]:
    sequence = [int(event["sequence"]) for event in books.events]
    if sequence != list(range(1, len(sequence) + 1)):
        yield "the audit trail has gaps"
    trails: dict[str, list[Mapping[str, Any]]] = {message_id: [] for message_id in books.states}
    for event in books.events:
        if "delivery_id" in event["data"]:
            trails.setdefault(message_of(event["data"]["delivery_id"]), []).append(event)
    for message_id, trail in trails.items():
        yield from (f"{message_id}: {words}" for words in _broken_trail(trail, books.states.get(message_id)))


def _broken_trail(trail: Sequence[Mapping[str, Any]], state: str | None) -> Iterator[str]:
    types = [event["type"].removeprefix(_TYPE_PREFIX) for event in trail]
    if types[:1] != ["email.accepted"]:
        yield f"its trail begins with {types[:1]}"
    if len({event["id"] for event in trail}) < len(trail):
        yield "an event is told twice"
    numbers = [event["data"]["number"] for event in trail if event["type"].endswith("attempted")]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"its attempts are {numbers}"
    ends = [type_ for type_ in types if type_ in ENDINGS]
    if len(ends) != 1 or types[-1] != ends[0]:
        yield f"its trail has the endings {ends}: {types}"
    elif ENDINGS[ends[0]] != state:
        yield f"its trail ends with {ends[0]}, its state is {state}"
    yield from _rash_attempts(trail)


def _rash_attempts(trail: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """An attempt may only follow one that certainly has not handed over."""
    is_safe = True
    for event in trail:
        match event["type"].removeprefix(_TYPE_PREFIX):
            case "email.attempted":
                if not is_safe:
                    yield f"attempt {event['data']['number']} began while the one before it was open"
                is_safe = False
            case "email.deferred" if "outcome" in event["data"]:
                is_safe = True
            case "email.resolved":
                is_safe = event["data"]["verdict"] == "absent"


def _broken_sums(books: Books) -> Iterator[str]:
    if books.unaccounted:
        yield f"{books.unaccounted} deliveries are in no state"
    counted = {state: number for state, number in books.by_state.items() if number}
    listed = Counter(books.states.values())
    if counted != listed:
        yield f"the server counts {counted} and lists {dict(listed)}"


def message_of(delivery_id: str) -> str:
    return delivery_id.partition(".")[0]
