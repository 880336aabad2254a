"""Whom not to write to."""

from typing import Final

from everpost.dialects.addresses import address_of
from everpost.dialects.faults import Faults
from everpost.dialects.fields import read_stream
from everpost.dialects.native.operate import (
    parse_addition,
    parse_import,
    parse_removal,
    parse_search,
    parse_suppression,
)
from everpost.dialects.native.render import instant, maybe_instant
from everpost.dialects.native.views import ImportView, SuppressionView
from everpost.dialects.tables import suppressions_csv
from everpost.entrypoints.http import files
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.query import cursor, cursor_of_body
from everpost.model.limits import IMPORT_BYTES_MAX
from everpost.model.message import Address
from everpost.model.problem import FieldError, Problem
from everpost.model.suppression import Suppression, SuppressionDraft

_BEHIND: Final = "\n"  # between address and stream in a cursor: neither has one


async def get_suppression(call: Call) -> Reply | Problem:
    address = _address(call)
    if isinstance(address, Problem):
        return address
    stream = _stream(call)
    if isinstance(stream, Problem):
        return stream
    found = await call.services.console.suppressing.find(call.caller.project, address, stream)
    return json(200, _view(found)) if found else problem("not_found", "this address is not suppressed")


async def put_suppression(call: Call) -> Reply | Problem:
    address = _address(call)
    if isinstance(address, Problem):
        return address
    body = await call.body()
    if isinstance(body, Problem):
        return body
    return await _put(call, parse_suppression(body, address))


async def delete_suppression(call: Call) -> Reply | Problem:
    """Also when it was not suppressed: afterwards it is not."""
    address = _address(call)
    if isinstance(address, Problem):
        return address
    stream = _stream(call)
    if isinstance(stream, Problem):
        return stream
    await call.services.console.suppressing.remove(call.caller, address, stream)
    return Reply(status=204, body=b"")


async def add_suppression(call: Call) -> Reply | Problem:
    body = await call.body()
    return await _put(call, body if isinstance(body, Problem) else parse_addition(body))


async def _put(call: Call, draft: SuppressionDraft | Problem) -> Reply | Problem:
    if isinstance(draft, Problem):
        return draft
    [row] = await call.services.console.suppressing.put(call.caller, [draft])
    return json(200, _view(row))


async def remove_suppression(call: Call) -> Reply | Problem:
    """Also when it was not suppressed: afterwards it is not."""
    body = await call.body()
    removed = body if isinstance(body, Problem) else parse_removal(body)
    if isinstance(removed, Problem):
        return removed
    await call.services.console.suppressing.remove(call.caller, *removed)
    return Reply(status=204, body=b"")


async def search_suppressions(call: Call) -> Reply | Problem:
    body = await call.body()
    asked = body if isinstance(body, Problem) else parse_search(body)
    if isinstance(asked, Problem):
        return asked
    after = cursor_of_body(asked.cursor)
    if isinstance(after, Problem):
        return after
    project, limit = call.caller.project, asked.limit
    address, _, stream = (after or "").partition(_BEHIND)
    rows = await call.services.console.suppressing.page(project, asked.address, (address, stream), limit + 1)
    shown = [_view(row) for row in rows[:limit]]
    following = cursor(_place(rows[limit - 1])) if len(rows) > limit else None
    form = files.wanted(call, [files.CSV])
    if form is not None:
        return files.piece(form, suppressions_csv(shown, titled=after is None), following)
    return json(200, {"data": shown, "next_cursor": following})


async def import_suppressions(call: Call) -> Reply | Problem:
    body = await call.body(IMPORT_BYTES_MAX)
    parsed = body if isinstance(body, Problem) else parse_import(body)
    if isinstance(parsed, Problem):
        return parsed
    found, dry_run = parsed
    if not dry_run:
        await call.services.console.suppressing.put(call.caller, list(found.drafts.values()))
    view: ImportView = {
        "dry_run": dry_run,
        "suppressed": len(found.drafts),
        "faulty": found.faulty,
        "errors": [{"line": fault.line, "message": fault.message} for fault in found.faults],
    }
    return json(200, view)


def _address(call: Call) -> str | Problem:
    found = address_of(call.place("address"))
    if isinstance(found, Address):
        return found.email
    return problem("validation_failed", errors=[FieldError("address", found)])


def _stream(call: Call) -> str | Problem:
    """Left out: all mail."""
    faults = Faults()
    stream = read_stream(call.query.get("stream"), faults)
    return faults.problem() if faults else stream


def _place(row: Suppression) -> str:
    """Without a stream just the address, as cursors have always had it."""
    return f"{row.address}{_BEHIND}{row.stream}" if row.stream else row.address


def _view(row: Suppression) -> SuppressionView:
    return {
        "address": row.address,
        "stream": row.stream or None,
        "source": row.source.value,
        "reason": row.reason,
        "created_at": instant(row.created_at),
        "expires_at": maybe_instant(row.expires_at),
    }
