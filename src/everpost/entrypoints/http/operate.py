"""Suppressions and erasure."""

from everpost.dialects.addresses import address_of
from everpost.dialects.native_operate import parse_erasure, parse_suppression
from everpost.dialects.native_render import instant
from everpost.dialects.native_views import ErasureView, SuppressionView
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.problems import problem
from everpost.model.message import Address
from everpost.model.problem import FieldError, Problem
from everpost.store.port import Suppression


async def get_suppression(call: Call) -> Reply | Problem:
    address = _address(call)
    if isinstance(address, Problem):
        return address
    found = await call.services.console.suppressions(call.caller.project, [address])
    return json(200, _suppression(found[0])) if found else problem("not_found", "this address is not suppressed")


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
    return json(200, _suppression(await call.services.console.suppress(call.caller, address, reason)))


async def delete_suppression(call: Call) -> Reply | Problem:
    """Also when it was not suppressed: afterwards it is not."""
    address = _address(call)
    if isinstance(address, Problem):
        return address
    await call.services.console.unsuppress(call.caller, address)
    return Reply(status=204, body=b"")


async def erase_recipient(call: Call) -> Reply | Problem:
    body = await call.body()
    if isinstance(body, Problem):
        return body
    request = parse_erasure(body)
    if isinstance(request, Problem):
        return request
    done = await call.services.console.erase(call.caller, request.address, dry_run=request.dry_run)
    if isinstance(done, Problem):
        return done
    view: ErasureView = {
        "dry_run": request.dry_run,
        "messages": done.messages,
        "cancelled": done.cancelled,
        "suppressed": done.suppressed,
    }
    return json(200, view)


def _address(call: Call) -> str | Problem:
    found = address_of(call.place("address"))
    if isinstance(found, Address):
        return found.email
    return problem("validation_failed", errors=[FieldError("address", found)])


def _suppression(row: Suppression) -> SuppressionView:
    return {"address": row.address, "reason": row.reason, "created_at": instant(row.created_at)}
