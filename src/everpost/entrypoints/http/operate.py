"""Accounts, routes, figures over time, suppressions and erasure."""

from everpost.dialects.addresses import address_of
from everpost.dialects.faults import Faults
from everpost.dialects.native_operate import parse_erasure, parse_route, parse_suppression
from everpost.dialects.native_render import instant, maybe_instant, render_route
from everpost.dialects.native_series import render_series
from everpost.dialects.native_views import AccountView, ErasureView, RecordsView, SuppressionView
from everpost.engine.console import AccountStatus
from everpost.entrypoints.http import headers
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.query import read_choice, refusal
from everpost.model.account import Quota
from everpost.model.message import Address
from everpost.model.problem import FieldError, Problem
from everpost.model.route import Route
from everpost.model.series import Range
from everpost.store.port import Suppression


async def list_accounts(call: Call) -> Reply:
    accounts = await call.services.console.accounts()
    return json(200, {"data": [_account(status) for status in accounts], "next_cursor": None})


async def list_routes(call: Call) -> Reply:
    routes = await call.services.console.routes()
    return json(200, {"data": [render_route(route) for route in routes], "next_cursor": None})


async def get_route(call: Call) -> Reply | Problem:
    return _route(await call.services.console.route(call.place("name")))


async def put_route(call: Call) -> Reply | Problem:
    """Changes a route only if nobody else has since the caller has read it."""
    body = await call.body()
    if isinstance(body, Problem):
        return body
    route = parse_route(body, call.place("name"))
    if isinstance(route, Problem):
        return route
    was = _version(route, headers.read_version(call.header(b"if-match")))
    if isinstance(was, Problem):
        return was
    return _route(await call.services.console.put_route(call.caller, route, was))


async def get_series(call: Call) -> Reply | Problem:
    faults = Faults()
    range_ = read_choice(call.query, "range", Range, faults)
    if faults:
        return refusal(faults)
    return json(200, render_series(await call.services.console.series(call.caller.project, range_ or Range.HOUR)))


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


def _version(route: Route, if_match: int | Problem | None) -> int | Problem:
    """The version that the caller has seen: from the body, from If-Match, or the same from both."""
    in_body = route.version if route.version >= 0 else None
    if if_match is None and in_body is None:
        return problem("version_required", "read the route, and send its version with the change")
    if isinstance(if_match, Problem):
        return if_match
    if if_match is not None and in_body not in (None, if_match):
        return problem("bad_header", f"If-Match says {if_match} and the field `version` {in_body}; send one of them")
    return if_match if if_match is not None else route.version


def _route(route: Route | Problem) -> Reply | Problem:
    if isinstance(route, Problem):
        return route
    return json(200, render_route(route), ((b"etag", b'"%d"' % route.version),))


def _address(call: Call) -> str | Problem:
    found = address_of(call.place("address"))
    if isinstance(found, Address):
        return found.email
    return problem("validation_failed", errors=[FieldError("address", found)])


def _suppression(row: Suppression) -> SuppressionView:
    return {"address": row.address, "reason": row.reason, "created_at": instant(row.created_at)}


def _account(status: AccountStatus) -> AccountView:
    account, health, circuit = status.account, status.health, status.circuit
    return {
        "name": account.name,
        "provider": account.provider,
        "is_default": status.is_default,
        "circuit": {
            "state": circuit.state.value,
            "reason": circuit.reason,
            "until": maybe_instant(circuit.until),
            "share": circuit.share,
        },
        "records": _records(status),
        "quota": {"limit": _limits(account.quota), "left": status.quota_left},
        "in_flight": status.in_flight,
        "max_concurrency": account.max_concurrency,
        "failures": health.failures,
        "ok_at": maybe_instant(health.ok_at),
        "failed_at": maybe_instant(health.failed_at),
        "failing_since": maybe_instant(health.failing_since),
        "last_error": health.last_error,
        "last_error_at": maybe_instant(health.last_error_at),
        "recipients": list(account.recipients),
        "senders": list(account.senders),
    }


def _records(status: AccountStatus) -> RecordsView:
    records = status.health.records
    return {
        "unconfirmed": status.circuit.unconfirmed,
        "looked_for": len(records.looks),
        "missing": records.missing,
        "missing_since": maybe_instant(records.missing_since),
        "shown_at": maybe_instant(records.shown_at),
        "lag_s": round(records.lag_s, 1),
    }


def _limits(quota: Quota) -> dict[str, int]:
    limits = {"second": quota.per_second, "day": quota.per_day, "month": quota.per_month}
    return {unit: limit for unit, limit in limits.items() if limit is not None}
