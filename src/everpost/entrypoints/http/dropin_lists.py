"""Whom not to write to, as the drop-in doors tell it and are told. Of ours, they know what stops all mail; what stops a
stream alone, or has expired, is not there for them."""

from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from everpost.dialects.addresses import address_of
from everpost.dialects.dropins.contract import (
    Dropin,
    FindSuppressed,
    ListSuppressed,
    Sought,
    Suppress,
    Unsuppress,
    UnsuppressAll,
)
from everpost.entrypoints.http.call import Call, Reply, replied
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.submissions import read_submission, submission_of
from everpost.model.message import Address
from everpost.model.problem import FieldError, Problem
from everpost.model.suppression import ALL, Suppression, has_expired

LOOKS_MAX: Final = 100_000
"""Rows that are looked at for one page; then it is short, and says where to go on. Some clients take an empty page for
the end, so that it must not be one only because of rows that are not wanted."""
_AT_ONCE: Final = 1000
_Page = tuple[list[Suppression], str | None]


async def list_suppressed(_dropin: Dropin, does: ListSuppressed, call: Call) -> Reply | Problem:
    sought = does.parse(submission_of(call))
    if isinstance(sought, Problem):
        return sought
    found = await (_found(call, sought) if sought.ahead_of is None else _ahead(call, sought, sought.ahead_of))
    return found if isinstance(found, Problem) else replied(does.render(sought, *found))


async def _found(call: Call, sought: Sought) -> _Page:
    """The rows of a page, and what the next one comes after."""
    found: list[Suppression] = []
    reached = sought.after
    async for rows, place in _looks(call, sought):
        found += rows
        if len(found) > sought.limit:
            return found[: sought.limit], found[sought.limit - 1].address
        if place is None:
            return found, None
        reached = place
    return found, reached


async def _ahead(call: Call, sought: Sought, end: str) -> _Page | Problem:
    """The same backwards. It is looked for from the beginning on, as lists are kept."""
    found = deque[Suppression](maxlen=sought.limit)
    async for rows, place in _looks(call, sought):
        found += (row for row in rows if not end or row.address < end)
        if place is None or (end and place >= end):
            return [*found], None
    return problem("bad_parameter", f"pages lead back in lists of {LOOKS_MAX} entries at most")


async def _looks(call: Call, sought: Sought) -> AsyncIterator[tuple[list[Suppression], str | None]]:
    """Rows that are wanted, some at a time, and the address that this is as far as; None: that is all."""
    place, now = (sought.after, ALL), call.services.clock.now()
    for _ in range(0, LOOKS_MAX, _AT_ONCE):
        rows = await call.services.console.suppressing.page(call.caller.project, sought.prefix, place, _AT_ONCE)
        wanted = [row for row in rows if row.stream == ALL and not has_expired(row, now) and sought.wanted(row)]
        if len(rows) < _AT_ONCE:
            yield wanted, None
            return
        place = (rows[-1].address, rows[-1].stream)
        yield wanted, place[0]


async def find_suppressed(_dropin: Dropin, does: FindSuppressed, call: Call) -> Reply | Problem:
    row = await _row(call, does)
    return row if isinstance(row, Problem) else replied(does.render(row))


async def suppress(_dropin: Dropin, does: Suppress, call: Call) -> Reply | Problem:
    asked = await read_submission(call)
    drafts = asked if isinstance(asked, Problem) else does.parse(asked)
    if isinstance(drafts, Problem):
        return drafts
    return replied(does.render(await call.services.console.suppressing.put(call.caller, drafts)))


async def unsuppress(_dropin: Dropin, does: Unsuppress, call: Call) -> Reply | Problem:
    row = await _row(call, does)
    if isinstance(row, Problem):
        return row
    await call.services.console.suppressing.remove(call.caller, row.address, ALL)
    return replied(does.render(row))


async def unsuppress_all(_dropin: Dropin, does: UnsuppressAll, call: Call) -> Reply | Problem:
    asked = await read_submission(call)
    addresses = asked if isinstance(asked, Problem) else does.parse(asked)
    if isinstance(addresses, Problem):
        return addresses
    suppressing = call.services.console.suppressing
    for address in addresses:
        row = await suppressing.find(call.caller.project, address, ALL)
        if row is not None and does.wanted(row):
            await suppressing.remove(call.caller, address, ALL)
    return replied(does.render(addresses))


async def _row(call: Call, does: FindSuppressed | Unsuppress) -> Suppression | Problem:
    address = address_of(call.place("address"))
    if not isinstance(address, Address):
        return problem("validation_failed", errors=[FieldError("address", address)])
    found = await call.services.console.suppressing.find(call.caller.project, address.email, ALL)
    if found is None or not does.wanted(found):
        return problem("not_found", f"{address.email} is not on the list")
    return found
