"""The drop-in doors: each row of a dialect's table becomes an operation. What stands in the requests and answers is the
dialect's; what is done for them is the engine's."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from everpost.dialects.dropins.contract import (
    Asked,
    CancelGroup,
    Change,
    Domains,
    Dropin,
    FindSuppressed,
    List,
    ListEvents,
    ListSuppressed,
    NewGroup,
    Page,
    Row,
    Send,
    Show,
    Shown,
    Sum,
    Suppress,
    Taken,
    Tell,
    Unsuppress,
    UnsuppressAll,
)
from everpost.dialects.dropins.table import DROPINS as DIALECTS
from everpost.dialects.native.render import state_of
from everpost.engine.accept import Acceptance
from everpost.engine.console import send_at_of, statuses_of
from everpost.engine.desk import not_found
from everpost.engine.intake import Request
from everpost.entrypoints.http import dropin_lists, headers
from everpost.entrypoints.http.call import Call, Reply, replied
from everpost.entrypoints.http.dropin_events import list_events
from everpost.entrypoints.http.emails import REPLAYED, note_accepted
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.query import Parameter
from everpost.entrypoints.http.submissions import read_submission, submission_of
from everpost.model.message import Draft
from everpost.model.problem import Problem
from everpost.model.series import Count, Range
from everpost.model.template import Templated
from everpost.store.port import Filter, Stored

_PASSED_MAX: Final = 500  # mails that are read at once to get behind them
_NEWER_MAX: Final = 10_000  # mails that are looked at to find those right ahead of one
_TEXT: Final = {"type": "string"}


async def _send(dropin: Dropin, does: Send, call: Call) -> Reply | Problem:
    submission = await read_submission(call)
    if isinstance(submission, Problem):
        return submission
    asked = await call.aside(submission.body, lambda: does.parse(submission))
    if isinstance(asked, Problem):
        return asked
    key = headers.read_idempotency_key(call.headers(b"idempotency-key"))
    if isinstance(key, Problem):
        return key
    mails = await _to_take(call, asked)
    request = Request(
        door=dropin.name,
        caller=call.caller,
        key=key or asked.key,
        origin=call.origin,
        known_by=asked.known_by,
        group=asked.group,
        drawn=() if asked.group is None else call.services.intake.draw(len(mails)),
    )
    refused = await _checked(call, asked, mails, request)
    if refused is not None:
        return refused
    if asked.is_trial:
        return replied(does.render(asked, ()))
    return await _taken(call, does, asked, mails, request)


async def _to_take(call: Call, asked: Asked) -> list[Draft | Templated]:
    if asked.forms:
        return [await call.services.intake.best(asked.forms)]
    return [each for each in asked.mails if not isinstance(each, Problem)]


async def _checked(call: Call, asked: Asked, mails: Sequence[Draft | Templated], request: Request) -> Problem | None:
    """Of several mails none is accepted unless all can be."""
    if asked.is_trial or (asked.is_whole and len(mails) > 1):
        refused = await call.services.intake.check(mails, request)
        if refused is not None:
            return refused
    if asked.group is None:
        return None
    if asked.is_trial:
        return await call.services.groups.check(call.caller, asked.group, len(mails))
    return await call.services.groups.enter(call.caller, asked.group, [each.id for each in request.drawn])


async def _taken(
    call: Call, does: Send, asked: Asked, mails: Sequence[Draft | Templated], request: Request
) -> Reply | Problem:
    results = await call.services.intake.take(mails, request)
    accepted = [each for each in results if isinstance(each, Acceptance)]
    for each in reversed(accepted):
        note_accepted(call, each)
    failed = next((each for each in results if isinstance(each, Problem)), None)
    if failed is not None and asked.is_whole:
        return (asked.unread or failed) if failed.code == "no_account_can_carry" else failed
    if asked.group is not None:
        ids = [each.stored.message.id for each in accepted]
        await call.services.groups.settle(call.caller, asked.group, ids)
    outcomes = iter([_outcome(each) for each in results])
    told = [each if isinstance(each, Problem) else next(outcomes) for each in asked.mails]
    is_replay = bool(accepted) and all(each.replayed for each in accepted)
    return replied(does.render(asked, told), (REPLAYED,) if is_replay else ())


def _outcome(result: Acceptance | Problem) -> Taken | Problem:
    if isinstance(result, Problem):
        return result
    return Taken(id=result.stored.message.id, at=result.stored.message.created_at)


async def _show(_dropin: Dropin, does: Show, call: Call) -> Reply | Problem:
    stored = await call.services.console.message(call.caller.project, call.place("id"))
    message = await call.services.desk.message(call.caller.project, call.place("id"))
    if isinstance(message, Problem) or stored is None:
        return not_found(call.place("id"))
    call.message_id = message.id
    return replied(does.render(_shown(Stored(message=message, deliveries=stored.deliveries, events=stored.events))))


async def _list(_dropin: Dropin, does: List, call: Call) -> Reply | Problem:
    page = does.parse(submission_of(call))
    if isinstance(page, Problem):
        return page
    by = Filter(
        project=call.caller.project,
        state=page.state,
        recipient=page.recipient,
        tag=page.tag,
        created_from=page.since,
        created_before=page.until,
    )
    if page.newer_than is not None:
        newer = await _newer(call, by, page.newer_than)
        if isinstance(newer, Problem):
            return newer
        return replied(does.render(page, [_shown(each) for each in newer[-page.limit :]], len(newer) > page.limit))
    found = await _mails(call, by, page)
    return replied(does.render(page, [_shown(each) for each in found[: page.limit]], len(found) > page.limit))


async def _newer(call: Call, by: Filter, than: str) -> list[Stored] | Problem:
    """All of them, newest first: mails are kept so that they are read in this order alone."""
    found: list[Stored] = []
    while len(found) < _NEWER_MAX:
        before = found[-1].message.id if found else None
        some = await call.services.console.messages(by, before, _PASSED_MAX)
        found += (each for each in some if each.message.id > than)
        if len(some) < _PASSED_MAX or some[-1].message.id <= than:
            return found
    return problem("bad_parameter", f"more than {_NEWER_MAX} mails are newer; read them from the newest one on")


async def _mails(call: Call, by: Filter, page: Page) -> list[Stored]:
    """One more than are wanted, if there are more."""
    before, left = page.before, page.skip
    while left:
        passed = await call.services.console.messages(by, before, min(left, _PASSED_MAX))
        if not passed:
            return []
        before, left = passed[-1].message.id, left - len(passed)
    return await call.services.console.messages(by, before, page.limit + 1)


async def _change(_dropin: Dropin, does: Change, call: Call) -> Reply | Problem:
    submission = await read_submission(call)
    act = submission if isinstance(submission, Problem) else does.parse(submission)
    if isinstance(act, Problem):
        return act
    stored = await call.services.desk.act(call.caller, call.place("id"), act)
    if isinstance(stored, Problem):
        return stored
    call.message_id = stored.message.id
    return replied(does.render(stored.message.id))


async def _new_group(_dropin: Dropin, does: NewGroup, call: Call) -> Reply | Problem:
    return replied(does.render(await call.services.groups.new(call.caller)))


async def _cancel_group(_dropin: Dropin, does: CancelGroup, call: Call) -> Reply | Problem:
    submission = await read_submission(call)
    group = submission if isinstance(submission, Problem) else does.parse(submission)
    if isinstance(group, Problem):
        return group
    return await call.services.groups.cancel(call.caller, group) or replied(does.render(group))


async def _sum(_dropin: Dropin, does: Sum, call: Call) -> Reply | Problem:
    series = await call.services.console.series(call.caller.project, Range.DAY)
    return replied(does.render(sum(series.counts[Count.SENT])))


async def _domains(_dropin: Dropin, does: Domains, call: Call) -> Reply | Problem:
    return replied(does.render(submission_of(call), call.services.console.domains()))


async def _tell(_dropin: Dropin, does: Tell, call: Call) -> Reply | Problem:
    return replied(does.render(call.caller.scope))


def _shown(stored: Stored) -> Shown:
    statuses = statuses_of(stored.message, stored.deliveries, stored.events)
    return Shown(
        message=stored.message,
        state=state_of(stored.deliveries),
        send_at=send_at_of(stored.message, stored.events),
        statuses=[each.state for each in statuses],
        events=[each.event for each in stored.events],
    )


_HANDLERS: Final[dict[type, Any]] = {
    Send: _send,
    Show: _show,
    List: _list,
    ListEvents: list_events,
    Change: _change,
    NewGroup: _new_group,
    CancelGroup: _cancel_group,
    ListSuppressed: dropin_lists.list_suppressed,
    FindSuppressed: dropin_lists.find_suppressed,
    Suppress: dropin_lists.suppress,
    Unsuppress: dropin_lists.unsuppress,
    UnsuppressAll: dropin_lists.unsuppress_all,
    Sum: _sum,
    Domains: _domains,
    Tell: _tell,
}


def _operation(dropin: Dropin, row: Row) -> Operation:
    return Operation(
        id=f"{dropin.name} {row.method} {row.path}",
        method=row.method,
        path=row.path,
        tag="Drop-in doors",
        summary=f"As {dropin.name} has it",
        handle=partial(_HANDLERS[type(row.does)], dropin, row.does),
        scope=row.scope,
        query=tuple(Parameter(name, "", _TEXT, repeats=name in row.repeated) for name in row.query),
        answers=(Answer(status=200, description="In its own form."),),
        dropin=dropin,
        takes_mail=isinstance(row.does, Send),
    )


DROPINS: Final = tuple(_operation(dropin, row) for dropin in DIALECTS for row in dropin.rows)
"""Always there, and in no document of ours: their own describe them."""
