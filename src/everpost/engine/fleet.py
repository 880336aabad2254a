"""The accounts at work: who they are, how they are doing, and how many requests each has in flight here."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from everpost.core import delivering, quota, resolving
from everpost.core.breaker import circuit
from everpost.core.decide import Board, Standing
from everpost.core.fit import Carrier
from everpost.engine.bulletin import Bulletin
from everpost.engine.ports import Ports
from everpost.health.port import HealthUnavailable, Report, Sign
from everpost.model.account import Account, AccountHealth, CircuitState
from everpost.model.change import Usage
from everpost.providers.contract import Provider

BOARD_S: Final = 0.1  # how old a board may be: other processes' news arrive within this time
CLOCK_SET_S: Final = 1.0  # by which wall-clock time has gone on beside the board's age, if somebody has set the clock


@dataclass(frozen=True, slots=True)
class Member:
    """An account with the provider that it belongs to."""

    account: Account
    provider: Provider

    @property
    def carrier(self) -> Carrier:
        return Carrier(account=self.account, limits=self.provider.limits, fault=self.provider.fault)


class Fleet:
    def __init__(self, members: Sequence[Member], ports: Ports) -> None:
        self._members = {member.account.name: member for member in members}
        self.carriers: Mapping[str, Carrier] = {name: member.carrier for name, member in self._members.items()}
        self._ports = ports
        self._has_quota = any(quota.windows(member.account.quota, 0.0) for member in members)
        self._in_flight: Counter[str] = Counter()
        self._known: Mapping[str, AccountHealth] = {}
        self._bulletin = Bulletin(ports)
        self._board: Board | None = None
        self._board_at = 0.0
        self._looking = asyncio.Lock()
        self.refused: set[str] = set()  # accounts that a provider has refused for a fault of theirs, untold so far
        self.some_refused = asyncio.Event()

    def renew(self, account: Account) -> None:
        """Its settings have changed: whatever is asked of its provider from now on goes by these."""
        member = Member(account, self._members[account.name].provider)
        self._members[account.name] = member
        self.carriers = {**self.carriers, account.name: member.carrier}
        self.forget_board()

    def member(self, name: str | None) -> Member | None:
        return self._members.get(name or "")

    def members(self) -> Collection[Member]:
        return self._members.values()

    def in_flight(self, name: str) -> int:
        return self._in_flight[name]

    def free(self, name: str) -> int:
        """Requests that may be started now."""
        return self._members[name].account.max_concurrency - self._in_flight[name]

    def take(self, name: str) -> None:
        self._in_flight[name] += 1

    def release(self, name: str) -> None:
        self._in_flight[name] -= 1

    def any_startable(self, board: Board) -> bool:
        """Whether any account is in a state to take mail, be it busy or not."""
        return any(_startable(standing, board) for standing in board.standings.values())

    def free_in_all(self, board: Board) -> int:
        """Requests that could be started now, over all accounts."""
        return sum(
            max(0, min(self.free(name), _left(standing, board))) if standing.circuit.state is CircuitState.CLOSED else 1
            for name, standing in board.standings.items()
            if _startable(standing, board)
        )

    async def board(self) -> Board:
        """The state of all accounts, at most BOARD_S old."""
        board = self._known_board()
        if board is None:
            async with self._looking:  # of many who need a fresh one, one looks
                board = self._known_board() or await self._renewed_board()
        return board

    def forget_board(self) -> None:
        """The next board will be a fresh one."""
        self._board = None

    async def report(self, reports: Sequence[Report]) -> None:
        self._note_refused(reports)
        with suppress(HealthUnavailable):
            await self._ports.health.record(reports)
        await self._renewed_board()

    async def take_probe(self, name: str) -> bool:
        """Whether the one probe of a half-open circuit is ours: for as long as an attempt can take, since its worker
        may have died."""
        now = self._ports.clock.now()
        until = now + resolving.budget_s(self._members[name].account)
        self.forget_board()
        try:
            return await self._ports.health.lease(name, now, until)
        except HealthUnavailable:
            return True

    async def health(self) -> Mapping[str, AccountHealth]:
        """What is known of each account; while it can't be shared, as last seen."""
        with suppress(HealthUnavailable):
            self._known = await self._ports.health.board()
        return self._known

    async def used(self) -> Mapping[tuple[str, str], Usage]:
        return await self._ports.store.usage() if self._has_quota else {}

    def _note_refused(self, reports: Sequence[Report]) -> None:
        refused = {report.account for report in reports if report.sign is Sign.FAULT}
        if refused:
            self.refused |= refused
            self.some_refused.set()

    def _known_board(self) -> Board | None:
        board, clock = self._board, self._ports.clock
        if board is None or clock.monotonic() - self._board_at > BOARD_S:
            return None
        was_set = abs(clock.now() - board.now) > CLOCK_SET_S
        return None if was_set else board

    async def _renewed_board(self) -> Board:
        self._board = await self._fresh_board()
        self._board_at = self._ports.clock.monotonic()
        return self._board

    async def _fresh_board(self) -> Board:
        known = await self.health()
        used = await self.used()
        now = self._ports.clock.now()
        known = delivering.audible(known, now)
        standings = {
            name: _standing(carrier, known.get(name, AccountHealth()), now) for name, carrier in self.carriers.items()
        }
        circuits = {name: standing.circuit for name, standing in standings.items()}
        await self._bulletin.tell(circuits, known, now)
        return Board(standings=standings, used=used, now=now)


def _left(standing: Standing, board: Board) -> int:
    """Mails with one recipient that the account's quota leaves room for."""
    account = standing.carrier.account
    return min(quota.left(account, board.used, board.now).values(), default=account.max_concurrency)


def _startable(standing: Standing, board: Board) -> bool:
    if standing.blocked_until is not None and standing.blocked_until > board.now:
        return False
    if not _left(standing, board):  # else a long queue would be looked at again and again while there is nothing to do
        return False
    state = standing.circuit.state
    return state is CircuitState.CLOSED or (state is CircuitState.HALF_OPEN and not standing.probe_taken)


def _standing(carrier: Carrier, health: AccountHealth, now: float) -> Standing:
    return Standing(
        carrier=carrier,
        circuit=circuit(health, now),
        blocked_until=health.blocked_until,
        blocked_reason=health.blocked_reason,
        probe_taken=health.probe_until is not None and health.probe_until > now,
    )
