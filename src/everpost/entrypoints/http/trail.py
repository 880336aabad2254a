"""The audit trail: in pages, as files, and as it grows."""

import re
from collections.abc import Sequence
from typing import Final

from everpost.dialects import tables
from everpost.dialects.faults import Faults
from everpost.dialects.native.render import render_event, render_sequence
from everpost.dialects.native.views import EventView
from everpost.engine.search import Sought
from everpost.entrypoints.http import files, following
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.query import read_choice, read_limit, read_time, refusal
from everpost.model.event import EventType
from everpost.model.key import Scope
from everpost.model.limits import EVENTS_PAGE_MAX, PAGE_DEFAULT
from everpost.model.problem import Problem

_SEQUENCE: Final = re.compile(r"0*[0-9]{1,18}")


async def list_events(call: Call) -> Reply | Problem:
    """An administrator sees the events of all projects, accounts and routes among them."""
    faults = Faults()
    given = call.query.get("after")
    limit = read_limit(call.query, PAGE_DEFAULT, EVENTS_PAGE_MAX, faults)
    if not _SEQUENCE.fullmatch(given or "0"):
        faults.add("after", "must be a next_cursor of this list, or the sequence of an event")
    sought = _sought(call, faults)
    if faults:
        return refusal(faults)
    last_id = following.last_id(call)
    if isinstance(last_id, Problem):
        return last_id
    start = int(given or "0")
    if following.is_wanted(call):
        told = start if given else None
        return following.follow(call, told if last_id is None else last_id, sought)
    found = await call.services.console.events(sought, start, limit)
    views = [render_event(recorded) for recorded in found.events]
    following_ = render_sequence(found.place)
    form = files.wanted(call, [files.CSV, files.LINES])
    if form is not None:
        body = _file(form, views, is_first=not start)
        return files.piece(form, body, following_ if found.place != start else None)
    return json(200, {"data": views, "next_cursor": following_})


def _sought(call: Call, faults: Faults) -> Sought:
    query = call.query
    return Sought(
        project=None if call.caller.may(Scope.ADMIN) else call.caller.project,
        message_id=query.get("message"),
        type=read_choice(query, "type", EventType, faults),
        account=query.get("account"),
        since=read_time(query, "since", faults),
        until=read_time(query, "until", faults),
    )


def _file(form: bytes, views: Sequence[EventView], *, is_first: bool) -> bytes:
    return tables.lines(views) if form == files.LINES else tables.events_csv(views, titled=is_first)
