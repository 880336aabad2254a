"""Whom not to write to."""

from everpost.dialects.addresses import address_of
from everpost.dialects.native_operate import (
    parse_addition,
    parse_import,
    parse_removal,
    parse_search,
    parse_suppression,
)
from everpost.dialects.native_render import instant
from everpost.dialects.native_views import ImportView, SuppressionView
from everpost.dialects.tables import suppressions_csv
from everpost.entrypoints.http import files
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.query import cursor, cursor_of_body
from everpost.model.limits import IMPORT_BYTES_MAX
from everpost.model.message import Address
from everpost.model.problem import FieldError, Problem
from everpost.store.port import Suppression


async def get_suppression(call: Call) -> Reply | Problem:
    address = _address(call)
    if isinstance(address, Problem):
        return address
    found = await call.services.console.suppressions(call.caller.project, [address])
    return json(200, _view(found[0])) if found else problem("not_found", "this address is not suppressed")


async def put_suppression(call: Call) -> Reply | Problem:
    address = _address(call)
    if isinstance(address, Problem):
        return address
    body = await call.body()
    if isinstance(body, Problem):
        return body
    reason = parse_suppression(body)
    if isinstance(reason, Problem):
        return reason
    return json(200, _view(await call.services.console.suppress(call.caller, address, reason)))


async def delete_suppression(call: Call) -> Reply | Problem:
    """Also when it was not suppressed: afterwards it is not."""
    address = _address(call)
    if isinstance(address, Problem):
        return address
    await call.services.console.unsuppress(call.caller, address)
    return Reply(status=204, body=b"")


async def add_suppression(call: Call) -> Reply | Problem:
    body = await call.body()
    added = body if isinstance(body, Problem) else parse_addition(body)
    if isinstance(added, Problem):
        return added
    return json(200, _view(await call.services.console.suppress(call.caller, added.address, added.reason)))


async def remove_suppression(call: Call) -> Reply | Problem:
    """Also when it was not suppressed: afterwards it is not."""
    body = await call.body()
    address = body if isinstance(body, Problem) else parse_removal(body)
    if isinstance(address, Problem):
        return address
    await call.services.console.unsuppress(call.caller, address)
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
    rows = await call.services.console.list_suppressions(project, asked.address, after or "", limit + 1)
    shown = [_view(row) for row in rows[:limit]]
    following = cursor(shown[-1]["address"]) if len(rows) > limit else None
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
        await call.services.console.suppress_all(call.caller, found.reasons)
    view: ImportView = {
        "dry_run": dry_run,
        "suppressed": len(found.reasons),
        "faulty": found.faulty,
        "errors": [{"line": fault.line, "message": fault.message} for fault in found.faults],
    }
    return json(200, view)


def _address(call: Call) -> str | Problem:
    found = address_of(call.place("address"))
    if isinstance(found, Address):
        return found.email
    return problem("validation_failed", errors=[FieldError("address", found)])


def _view(row: Suppression) -> SuppressionView:
    return {"address": row.address, "reason": row.reason, "created_at": instant(row.created_at)}
