"""What became of mails, as the drop-in doors list it: pages of the audit trail in the words of a provider."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from everpost.dialects.dropins.contract import Dropin, EventPage, ListEvents, SoughtEvents
from everpost.engine.search import Found, Sought
from everpost.entrypoints.http.call import Call, Reply, replied
from everpost.entrypoints.http.submissions import submission_of
from everpost.model.event import Recorded
from everpost.model.problem import Problem
from everpost.model.told import Told
from everpost.store.port import Stored

ROUNDS_MAX: Final = 20
"""Of looking for something, each at as many events as one page of ours is made of: clients take an empty page for the
end, so that it must not be one only because others lie between."""
TOGETHER_MAX: Final = 32  # mails that are read at the same time


async def list_events(_dropin: Dropin, does: ListEvents, call: Call) -> Reply | Problem:
    asked = submission_of(call)
    sought = does.parse(asked)
    return sought if isinstance(sought, Problem) else replied(does.render(asked, await page_of(call, sought)))


async def page_of(call: Call, sought: SoughtEvents) -> EventPage:
    """Raises StoreUnavailable."""
    is_back = sought.is_newest_first != sought.is_before
    entries: list[Sequence[Any]] = []
    begun = place = await _begun(call, sought, is_back=is_back)
    for _ in range(ROUNDS_MAX):
        found = await _found(call, sought, place, is_back=is_back)
        mails = await _mails(call, found.events)
        for recorded in found.events:
            place = recorded.seq - 1 if is_back else recorded.seq
            mail = mails.get(recorded.event.message_id or "")
            entries += [told] if mail is not None and (told := _told(sought, recorded, mail)) else ()
            if len(entries) == sought.limit:
                break
        else:
            is_over, place = not found.events and found.place == place, found.place
            if not is_over:
                continue
        break
    page = reversed(entries) if sought.is_before else entries
    start, end = (place, begun) if sought.is_before else (begun, place)
    return EventPage(entries=[entry for told in page for entry in told], start=start, end=end)


def _told(sought: SoughtEvents, recorded: Recorded, mail: Stored) -> Sequence[Any]:
    left_out = {place for delivery in mail.deliveries for place in delivery.left_out}
    return sought.entries(Told(recorded.seq, recorded.event, mail.message, left_out))


async def _begun(call: Call, sought: SoughtEvents, *, is_back: bool) -> int:
    if sought.place is not None:
        return sought.place
    return await call.services.console.last_event() if is_back else 0


async def _found(call: Call, sought: SoughtEvents, place: int, *, is_back: bool) -> Found:
    """Of the caller's own project, whatever the key may do besides."""
    console = call.services.console
    by = Sought(
        project=call.caller.project,
        message_id=sought.message_id,
        types=sought.types,
        since=sought.since,
        until=sought.until,
    )
    return await (console.events_back if is_back else console.events)(by, place, sought.limit)


async def _mails(call: Call, events: Sequence[Recorded]) -> dict[str, Stored]:
    """Those that are still there, by their ids."""
    names = [*dict.fromkeys(each.event.message_id for each in events if each.event.message_id is not None)]
    found: dict[str, Stored] = {}
    for start in range(0, len(names), TOGETHER_MAX):
        some = names[start : start + TOGETHER_MAX]
        read = (call.services.console.message(call.caller.project, name) for name in some)
        found |= {name: each for name, each in zip(some, await asyncio.gather(*read), strict=True) if each is not None}
    return found
