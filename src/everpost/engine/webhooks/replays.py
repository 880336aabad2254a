"""Events that a webhook is told once more."""

import re
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from everpost.engine.ports import Ports
from everpost.engine.trail import CLOCKS_OFF_S, last_seq, seq_before
from everpost.engine.webhooks.shelf import Shelf, told
from everpost.model.event import EventType, Recorded
from everpost.model.ids import MESSAGE_ID_CHARS, MESSAGE_PREFIX
from everpost.model.limits import WEBHOOK_WAITING_MAX
from everpost.model.problem import FieldError, Problem
from everpost.model.webhook import Progress, Replay, Waiting, Webhook

_SEQUENCE: Final = re.compile(r"0*[0-9]{1,18}")
EVENTS_OF_MESSAGE_MAX: Final = 10_000


class One(Struct, frozen=True):
    event: str  # its id, or its sequence


class Range(Struct, frozen=True):
    since: float
    until: float | None  # None: until now


Wanted = One | Range


async def replay(ports: Ports, webhook: Webhook, wanted: Wanted, who: str) -> Progress | Problem:
    """The progress with what is wanted in it, as it stands in the store. Whatever the webhook is not for is left out
    when it comes to that."""
    shelf, now = Shelf(ports.store), ports.clock.now()
    made = await _of_one(ports, webhook, wanted) if isinstance(wanted, One) else await _of_range(ports, wanted, now)
    if isinstance(made, Problem):
        return made
    data: dict[str, Any] = {"by": who}
    if isinstance(wanted, One):
        data["event"] = wanted.event
    else:
        data |= {"since_at": wanted.since, "until_at": now if wanted.until is None else wanted.until}
    while True:
        found = await shelf.progress(webhook.id)
        if found is None:
            return _not_found(webhook)
        before, version = found
        after = _with(before, made, now)
        if isinstance(after, Problem):
            return after
        event = told(EventType.WEBHOOK_REPLAYED, webhook, version + 1, now, **data)
        if await shelf.put_progress(webhook.id, after, version, [event]) is not None:
            return after


def _with(progress: Progress, made: int | Replay, now: float) -> Progress | Problem:
    if isinstance(made, Replay):
        return _busy("a replay is under way") if progress.replay is not None else replace(progress, replay=made)
    if len(progress.waiting) >= WEBHOOK_WAITING_MAX:
        return _busy(f"{WEBHOOK_WAITING_MAX} events wait already")
    others = [one for one in progress.waiting if one.seq != made]
    waiting = sorted([*others, Waiting(made, 0, now)], key=lambda one: one.seq)
    return replace(progress, waiting=tuple(waiting))


async def _of_one(ports: Ports, webhook: Webhook, wanted: One) -> int | Problem:
    found = await _event(ports, webhook.project, wanted.event)
    if found is None:
        hint = "give its `sequence`" if not wanted.event.startswith(MESSAGE_PREFIX) else "is it still kept?"
        error = FieldError("event", f"no event of this project is found by {wanted.event!r}; {hint}")
        return Problem(code="validation_failed", status=422, title="There is no such event", errors=(error,))
    return found.seq


async def _event(ports: Ports, project: str, name: str) -> Recorded | None:
    """By its id, which tells its mail; or by its sequence."""
    if _SEQUENCE.fullmatch(name):
        seq = int(name)
        found = await ports.store.read_events(seq - 1, 1, None)
        return found[0] if found and found[0].seq == seq and found[0].event.project == project else None
    message = name[:MESSAGE_ID_CHARS]
    if not message.startswith(MESSAGE_PREFIX):
        return None
    told_of = await ports.store.read_events(0, EVENTS_OF_MESSAGE_MAX, project, message)
    return next((one for one in told_of if one.event.id == name), None)


async def _of_range(ports: Ports, wanted: Range, now: float) -> Replay | Problem:
    until = now if wanted.until is None else wanted.until
    if until <= wanted.since:
        error = FieldError("until", "must be later than `since`")
        return Problem(code="validation_failed", status=422, title="The range is empty", errors=(error,))
    end = await last_seq(ports.store)
    first = await seq_before(ports.store, wanted.since, end)
    last = await seq_before(ports.store, until + 2 * CLOCKS_OFF_S, end) if until < now else end
    return Replay(since=wanted.since, until=until, cursor=first, last=max(first, min(last + 1, end)))


def _busy(detail: str) -> Problem:
    title = "This webhook has enough to do"
    return Problem(code="webhook_busy", status=409, title=title, detail=f"{detail}; try again when that is over")


def _not_found(webhook: Webhook) -> Problem:
    detail = f"there is no webhook {webhook.id!r} in this project"
    return Problem(code="not_found", status=404, title="There is no such webhook", detail=detail)
