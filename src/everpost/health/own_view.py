"""Shared health for a process that goes on without it: what it saw last, and what it has seen itself since."""

import logging
from collections.abc import Mapping, Sequence

from everpost.health.fold import UNKNOWN, fold, leased
from everpost.health.port import Health, HealthUnavailable, Report
from everpost.model.account import AccountHealth

_log = logging.getLogger(__name__)


class OwnView:
    """Never raises HealthUnavailable. When the shared health is back it holds, as it is then: what this process has
    learned meanwhile cost some failed attempts, and would cost others as many."""

    def __init__(self, shared: Health) -> None:
        self._shared = shared
        self._own: dict[str, AccountHealth] = {}
        self._is_shared = True

    async def record(self, reports: Sequence[Report]) -> None:
        for report in reports:
            self._own[report.account] = fold(self._own.get(report.account, UNKNOWN), report)
        try:
            await self._shared.record(reports)
        except HealthUnavailable as error:
            self._tell(error)

    async def board(self) -> Mapping[str, AccountHealth]:
        try:
            board = await self._shared.board()
        except HealthUnavailable as error:
            self._tell(error)
            return dict(self._own)
        self._tell(None)
        self._own = dict(board)
        return board

    async def lease(self, account: str, now: float, until: float) -> bool:
        """Several processes that can't share anything may each take a probe: better than an account that never comes
        back."""
        try:
            return await self._shared.lease(account, now, until)
        except HealthUnavailable as error:
            self._tell(error)
        health = leased(self._own.get(account, UNKNOWN), now, until)
        if health is None:
            return False
        self._own[account] = health
        return True

    async def close(self) -> None:
        await self._shared.close()

    def _tell(self, error: HealthUnavailable | None) -> None:
        """Once for each change."""
        if error is not None and self._is_shared:
            _log.warning(
                "provider health can't be shared: this process goes by what it sees", extra={"error": str(error)}
            )
        elif error is None and not self._is_shared:
            _log.info("provider health is shared again")
        self._is_shared = error is None
