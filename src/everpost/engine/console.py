"""What people and programs see, and what they may turn."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from everpost.core import quota
from everpost.core.recipients import statuses_of
from everpost.core.story import attempts_of, send_at_of
from everpost.engine.erase import Erased, Eraser
from everpost.engine.fleet import Fleet
from everpost.engine.ports import Ports
from everpost.engine.routes import DEFAULT, Routes
from everpost.engine.search import Found, Sought, search, search_back
from everpost.engine.series import read_series
from everpost.engine.steering import Steering
from everpost.engine.suppressing import Suppressing
from everpost.engine.trail import last_seq
from everpost.model.account import Account, AccountHealth, Circuit
from everpost.model.key import Caller
from everpost.model.problem import Problem
from everpost.model.route import Route
from everpost.model.series import Range, Series
from everpost.store.port import Counts, Filter, Stored, StoreUnavailable

__all__ = ["AccountStatus", "Console", "Standing", "attempts_of", "send_at_of", "statuses_of"]

READY_S: Final = 1.0  # how old the answer to "can mail be stored?" may be
_PROBE: Final = "probe/ready"  # a document that is written to find out


class AccountStatus(Struct, frozen=True, kw_only=True):
    account: Account
    circuit: Circuit
    health: AccountHealth
    quota_left: dict[str, int]  # by unit (second, day, month); only those that are limited
    in_flight: int  # requests of this process
    is_default: bool


Lags = Callable[[], Awaitable[Mapping[str, float]]]
"""How old the next event is, in seconds, that a sink has not taken; by sink. Raises StoreUnavailable."""


class Standing(Struct, frozen=True, kw_only=True):
    """How things stand at some moment, by the store and by what is known of the accounts."""

    at: float
    counts: Counts
    accounts: Sequence[AccountStatus]
    sink_lags: Mapping[str, float]  # in seconds, by sink: of those that this process brings events to


class Console:
    def __init__(self, ports: Ports, fleet: Fleet, routes: Routes, lags_s: Lags) -> None:
        self._ports = ports
        self._fleet = fleet
        self._routes = routes
        self._lags_s = lags_s
        self._eraser = Eraser(ports)
        self.suppressing = Suppressing(ports.store, ports.clock, ports.news.nudge)
        self.steering = Steering(ports, fleet, routes)
        self._tried_at: float | None = None  # when the store was last tried (monotonic) …
        self._trouble: Problem | None = None  # … and what came of it

    async def message(self, project: str, message_id: str) -> Stored | None:
        return await self._ports.store.get_message(project, message_id)

    async def messages(self, by: Filter, before: str | None, limit: int) -> list[Stored]:
        return await self._ports.store.list_messages(by, before, limit)

    async def events(self, sought: Sought, after: int, limit: int) -> Found:
        return await search(self._ports.store, sought, after, limit)

    async def events_back(self, sought: Sought, before: int, limit: int) -> Found:
        return await search_back(self._ports.store, sought, before, limit)

    async def last_event(self) -> int:
        """Its place in the trail; 0: there is none."""
        return await last_seq(self._ports.store)

    async def accounts(self) -> list[AccountStatus]:
        self._fleet.forget_board()
        board = await self._fleet.board()
        known: Mapping[str, AccountHealth] = await self._fleet.health()
        default = await self.default_account()
        return [
            AccountStatus(
                account=standing.carrier.account,
                circuit=standing.circuit,
                health=known.get(name, AccountHealth()),
                quota_left=quota.left(standing.carrier.account, board.used, board.now),
                in_flight=self._fleet.in_flight(name),
                is_default=name == default,
            )
            for name, standing in board.standings.items()
        ]

    def domains(self) -> list[str]:
        """From which its accounts write, as far as their settings name them."""
        accounts = [carrier.account for carrier in self._fleet.carriers.values()]
        named = {each for account in accounts for each in (*account.senders, account.settings.get("domain", "*"))}
        return sorted(domain for domain in named if "*" not in domain)

    async def routes(self) -> list[Route]:
        return list((await self._routes.latest()).values())

    async def route(self, name: str) -> Route | Problem:
        return await self._routes.get(name)

    async def put_route(self, caller: Caller, route: Route, was: int | None, reason: str = "") -> Route | Problem:
        return await self._routes.put(caller, route, was, reason)

    async def default_account(self) -> str:
        return (await self._routes.latest())[DEFAULT].default

    async def set_default(self, caller: Caller, account: str) -> Route | Problem:
        return await self._routes.set_default(caller, account)

    async def erase(self, caller: Caller, address: str, *, dry_run: bool) -> Erased | Problem:
        """Takes a recipient out of the project's mails; with `dry_run` it only says what would be done."""
        return await (self._eraser.look(caller.project, address) if dry_run else self._eraser.erase(caller, address))

    async def series(self, project: str, range_: Range) -> Series:
        return await read_series(self._ports.store, project, range_, self._ports.clock.now())

    async def counts(self) -> Counts:
        return await self._ports.store.counts()

    async def standing(self) -> Standing:
        """A handful of reads by key, however much the store holds: deliveries are tallied as they change."""
        return Standing(
            counts=await self.counts(),
            accounts=await self.accounts(),
            sink_lags=await self._lags_s(),
            at=self._ports.clock.now(),
        )

    async def ready(self) -> Problem | None:
        """None while mail can be stored: something was, within the last second. An empty write would not do: to a full
        disk it is as good as none. Anybody may ask, so nobody makes the disk work more often than that."""
        now = self._ports.clock.monotonic()
        if self._tried_at is None or now - self._tried_at >= READY_S:
            self._trouble = await self._try_store()
            self._tried_at = now
        return self._trouble

    async def _try_store(self) -> Problem | None:
        try:
            await self._ports.store.write_config(_PROBE, b"", None)
        except StoreUnavailable as error:
            return Problem(
                code="store_unavailable",
                status=503,
                title="The store is unavailable",
                detail=str(error),
                retry_after_s=READY_S,
            )
        return None
