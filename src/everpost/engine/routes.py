"""The routes as they are now: from the configuration, or as changed at run time and kept in the store."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from everpost.core.masking import masked
from everpost.engine.ports import Ports
from everpost.model.event import Event, EventType
from everpost.model.key import Caller
from everpost.model.problem import FieldError, Problem
from everpost.model.route import Route, RouteAccount
from everpost.store.port import StoreUnavailable

ROUTES_S: Final = 0.25  # how old the routes may be: a change made in another process holds within this time
DEFAULT: Final = "default"
_PREFIX: Final = "route/"


class Routes:
    def __init__(self, configured: Sequence[Route], accounts: Iterable[str], ports: Ports) -> None:
        self._configured = {route.name: route for route in configured}
        self._accounts = sorted(accounts)
        self._ports = ports
        self._known: Mapping[str, Route] | None = None
        self._known_at = 0.0

    async def all(self) -> Mapping[str, Route]:
        """Every route, at most ROUTES_S old; while the store is away, as last seen."""
        clock = self._ports.clock
        if self._known is None or clock.monotonic() - self._known_at > ROUTES_S:
            try:
                documents = await self._ports.store.read_config(_PREFIX)
            except StoreUnavailable:
                if self._known is None:
                    raise
                return self._known
            stored = (
                replace(msgspec.json.decode(document.value, type=Route), version=document.version)
                for document in documents.values()
            )
            self._known = self._configured | {route.name: route for route in stored}
            self._known_at = clock.monotonic()
        return self._known

    async def latest(self) -> Mapping[str, Route]:
        """Every route as the store has it now, for who may have changed it by another process."""
        self.forget()
        return await self.all()

    def forget(self) -> None:
        """The next look will be a fresh one."""
        self._known_at = -math.inf

    async def get(self, name: str) -> Route | Problem:
        routes = await self.latest()
        return routes.get(name) or _unknown("route", name, routes, status=404)

    def unknown_account(self, name: str) -> Problem:
        return _unknown("account", name, self._accounts, status=404)

    async def put(self, caller: Caller, route: Route, was: int | None, reason: str = "") -> Route | Problem:
        """Stores a route, new or changed. `was` is the version that the caller has seen (None: any); `reason` is told
        with the change."""
        if errors := self._faults(route):
            return Problem(code="validation_failed", status=422, title="The route has faulty fields", errors=errors)
        self._known = None
        before = (await self.all()).get(route.name)
        version = before.version if before is not None else 0
        seen = version if was is None else was
        events = self._told(caller, route, before, reason)
        document = await self._ports.store.write_config(_PREFIX + route.name, msgspec.json.encode(route), seen, events)
        self._known = None
        if document is None:
            detail = f"the route has version {version}, not {seen}; read it and try again"
            return Problem(code="version_conflict", status=412, title="Somebody else has changed it", detail=detail)
        self._ports.news.nudge()
        self._ports.due.nudge()
        return replace(route, version=document.version)

    async def set_default(self, caller: Caller, account: str) -> Route | Problem:
        """Puts an account on top of the default route. Weights go, since they would outvote it."""
        if account not in self._accounts:
            return _unknown("provider", account, self._accounts, status=404)
        self._known = None
        route = (await self.all())[DEFAULT]
        rest = tuple(replace(entry, weight=None) for entry in route.accounts if entry.account != account)
        return await self.put(caller, replace(route, accounts=(RouteAccount(account=account), *rest)), route.version)

    async def pause(self, caller: Caller, account: str, reason: str, *, paused: bool) -> list[Route] | Problem:
        """Takes an account out of every route that names it, or puts it back into its places; returns these routes.
        Each is a write of its own, so a second call ends what the first one could not."""
        if account not in self._accounts:
            return self.unknown_account(account)
        self._known = None
        done = []
        for route in [one for one in (await self.all()).values() if _names(one, account)]:
            now = await self._paused(caller, route, account, reason, paused=paused)
            if isinstance(now, Problem):
                return now
            done.append(now)
        return done

    async def _paused(
        self, caller: Caller, route: Route, account: str, reason: str, *, paused: bool
    ) -> Route | Problem:
        entries = tuple(replace(one, paused=paused) if one.account == account else one for one in route.accounts)
        if entries == route.accounts:
            return route
        return await self.put(caller, replace(route, accounts=entries), route.version, reason)

    def _faults(self, route: Route) -> tuple[FieldError, ...]:
        names = [entry.account for entry in route.accounts]
        errors = [
            FieldError(f"accounts[{position}].account", f"unknown account {name!r}; known: {_listed(self._accounts)}")
            for position, name in enumerate(names)
            if name not in self._accounts
        ]
        if not names:
            errors.append(FieldError("accounts", "must name at least one account"))
        if len(set(names)) < len(names):
            errors.append(FieldError("accounts", "names an account twice"))
        errors += (
            FieldError(f"accounts[{position}].weight", "must not be negative")
            for position, entry in enumerate(route.accounts)
            if entry.weight is not None and entry.weight < 0
        )
        return tuple(errors)

    def _told(self, caller: Caller, route: Route, before: Route | None, reason: str) -> list[Event]:
        now = self._ports.clock.now()
        mark = f"{route.name}:{(before.version if before else 0) + 1}"
        about = {"route": route.name, "by": caller.who} | ({"reason": masked(reason)} if reason else {})
        return [
            Event(
                id=f"{type_}:{account}:{mark}" if account else f"{type_}:{mark}",
                type=type_,
                at=now,
                project=caller.project,
                account=account,
                data=about | data,
            )
            for type_, account, data in _changes(route, before)
        ]


def _changes(route: Route, before: Route | None) -> Iterator[tuple[EventType, str | None, dict[str, Any]]]:
    """What is different now: the event, the account that it is about, and what it tells."""
    names = {"accounts": [entry.account for entry in route.accounts]}
    weights = {entry.account: entry.weight for entry in route.accounts if entry.weight is not None}
    paused = {entry.account for entry in route.accounts if entry.paused}
    was_paused = {entry.account for entry in before.accounts if entry.paused} if before is not None else set()
    whole = {"weights": weights, "paused": sorted(paused)}
    policy = {} if route.allow_loss is None else {"allow_loss": list(route.allow_loss)}
    yield EventType.ROUTE_CHANGED, None, names | {name: value for name, value in whole.items() if value} | policy
    if before is not None and before.default != route.default:
        yield EventType.DEFAULT_CHANGED, None, names | {"from": before.default, "to": route.default}
    for entry in route.accounts:
        if entry.paused != (entry.account in was_paused):
            yield EventType.ACCOUNT_PAUSED if entry.paused else EventType.ACCOUNT_RESUMED, entry.account, {}


def _unknown(what: str, name: str, known: Iterable[str], status: int) -> Problem:
    detail = f"unknown {what} {name!r}; known: {_listed(known)}"
    return Problem(code=f"unknown_{what}", status=status, title=f"There is no such {what}", detail=detail)


def _names(route: Route, account: str) -> bool:
    return any(entry.account == account for entry in route.accounts)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
