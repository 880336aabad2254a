"""Accounts and routes: how they do, and what may be turned of them."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import asdict

from everpost.dialects.faults import Faults
from everpost.dialects.native.account_views import (
    AccountView,
    DeliveringView,
    ExplanationView,
    NeedsView,
    PlaceView,
    ProbeView,
    RecentView,
    RecordsView,
)
from everpost.dialects.native.operate import parse_reason, parse_route, parse_sketch
from everpost.dialects.native.render import maybe_instant, render_route
from everpost.dialects.native.series import render_series
from everpost.engine.console import AccountStatus
from everpost.engine.steering import Explained
from everpost.entrypoints.http import headers
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.query import read_choice, refusal
from everpost.health.port import WINDOW_S
from everpost.model.account import Bucket, Quota
from everpost.model.problem import Problem
from everpost.model.route import Route
from everpost.model.series import Range


async def list_accounts(call: Call) -> Reply:
    console = call.services.console
    accounts, routes = await console.accounts(), await console.routes()
    waiting = await console.steering.waiting(call.caller.project)
    views = [_account(status, routes, waiting.get(status.account.name, 0)) for status in accounts]
    return json(200, {"data": views, "next_cursor": None})


async def probe_account(call: Call) -> Reply | Problem:
    reason = await _reason(call)
    if isinstance(reason, Problem):
        return reason
    name = call.place("name")
    probed = await call.services.console.steering.probe(call.caller, name, reason)
    if isinstance(probed, Problem):
        return probed
    view: ProbeView = {
        "account": name,
        "verdict": probed.verdict.value,
        "text": probed.text,
        "status": probed.status,
        "latency_ms": probed.latency_ms,
    }
    return json(200, view)


async def pause_account(call: Call) -> Reply | Problem:
    return await _paused(call, paused=True)


async def resume_account(call: Call) -> Reply | Problem:
    return await _paused(call, paused=False)


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
    read = parse_route(body, call.place("name"))
    if isinstance(read, Problem):
        return read
    route, reason = read
    was = _version(route, headers.read_version(call.header(b"if-match")))
    if isinstance(was, Problem):
        return was
    return _route(await call.services.console.put_route(call.caller, route, was, reason))


async def explain_route(call: Call) -> Reply | Problem:
    body = await call.body()
    if isinstance(body, Problem):
        return body
    name = call.place("name")
    sketch = parse_sketch(body, name)
    if isinstance(sketch, Problem):
        return sketch
    explained = await call.services.console.steering.explain(call.caller.project, *sketch)
    return explained if isinstance(explained, Problem) else json(200, _explanation(name, explained))


async def get_series(call: Call) -> Reply | Problem:
    faults = Faults()
    range_ = read_choice(call.query, "range", Range, faults)
    if faults:
        return refusal(faults)
    return json(200, render_series(await call.services.console.series(call.caller.project, range_ or Range.HOUR)))


async def _reason(call: Call) -> str | Problem:
    body = await call.body()
    return body if isinstance(body, Problem) else parse_reason(body)


async def _paused(call: Call, *, paused: bool) -> Reply | Problem:
    reason = await _reason(call)
    if isinstance(reason, Problem):
        return reason
    name = call.place("name")
    routes = await call.services.console.steering.pause(call.caller, name, reason, paused=paused)
    if isinstance(routes, Problem):
        return routes
    return json(200, {"data": [render_route(route) for route in routes], "next_cursor": None})


def _explanation(route: str, explained: Explained) -> ExplanationView:
    found = explained.explanation
    return {
        "route": route,
        "prospect": found.prospect.value,
        "account": found.account,
        "reason": found.reason,
        "until": maybe_instant(found.until),
        "accounts": [
            {"account": one.account, "share": one.share, "reason": one.reason, "lost": list(one.lost)}
            for one in found.candidates
        ],
        "needs": msgspec.convert(asdict(explained.needs), NeedsView),  # the same fields
        "allow_loss": list(explained.allowed),
        "suppressed": list(explained.suppressed),
    }


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


def _account(status: AccountStatus, routes: Sequence[Route], waiting: int) -> AccountView:
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
        "routes": [*_places(account.name, routes)],
        "recent": _recent(health.buckets),
        "waiting": waiting,
        "records": _records(status),
        "delivering": _delivering(status),
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


def _places(name: str, routes: Sequence[Route]) -> Iterator[PlaceView]:
    for route in routes:
        for place, entry in enumerate(route.accounts, 1):
            if entry.account == name:
                yield {"route": route.name, "place": place, "weight": entry.weight, "paused": entry.paused}


def _recent(buckets: Sequence[Bucket]) -> RecentView:
    ok, failed = sum(bucket.ok for bucket in buckets), sum(bucket.failed for bucket in buckets)
    share = ok / (ok + failed) if ok + failed else None
    return {"window_s": WINDOW_S, "ok": ok, "failed": failed, "share": share}


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


def _delivering(status: AccountStatus) -> DeliveringView:
    told = status.health.delivering
    return {
        "slow": status.circuit.slow,
        "slow_since": maybe_instant(told.slow_since),
        "listened_for": len(told.heard),
        "silent": told.silent,
        "share": told.share,
        "usual_share": round(told.usual, 3),
    }


def _limits(quota: Quota) -> dict[str, int]:
    limits = {"second": quota.per_second, "day": quota.per_day, "month": quota.per_month}
    return {unit: limit for unit, limit in limits.items() if limit is not None}
