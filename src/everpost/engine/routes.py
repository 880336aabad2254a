"""The routes as they are now: from the configuration, or as changed at run time and kept in the store."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

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

    def forget(self) -> None:
        """The next look will be a fresh one."""
        self._known_at = -math.inf

    async def get(self, name: str) -> Route | Problem:
        routes = await self.all()
        return routes.get(name) or _unknown("route", name, routes, status=404)

    async def put(self, caller: Caller, route: Route, was: int | None) -> Route | Problem:
        """Stores a route, new or changed. `was` is the version that the caller has seen (None: any)."""
        if errors := self._faults(route):
            return Problem(code="validation_failed", status=422, title="The route has faulty fields", errors=errors)
        self._known = None
        before = (await self.all()).get(route.name)
        version = before.version if before is not None else 0
        seen = version if was is None else was
        events = self._told(caller, route, before)
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

    def _told(self, caller: Caller, route: Route, before: Route | None) -> list[Event]:
        now = self._ports.clock.now()
        version = (before.version if before else 0) + 1
        names = [entry.account for entry in route.accounts]
        data = {"route": route.name, "by": caller.who, "accounts": names}
        told = [(EventType.ROUTE_CHANGED, data)]
        if before is not None and before.default != route.default:
            told.append((EventType.DEFAULT_CHANGED, data | {"from": before.default, "to": route.default}))
        return [
            Event(id=f"{type_}:{route.name}:{version}", type=type_, at=now, project=caller.project, data=data_)
            for type_, data_ in told
        ]


def _unknown(what: str, name: str, known: Iterable[str], status: int) -> Problem:
    detail = f"unknown {what} {name!r}; known: {_listed(known)}"
    return Problem(code=f"unknown_{what}", status=status, title=f"There is no such {what}", detail=detail)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
