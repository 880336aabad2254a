"""Provider health within one process."""

from collections.abc import Mapping, Sequence

from everpost.health.fold import UNKNOWN, fold, leased
from everpost.health.port import Report
from everpost.model.account import AccountHealth


class MemoryHealth:
    def __init__(self) -> None:
        self._board: dict[str, AccountHealth] = {}

    async def record(self, reports: Sequence[Report]) -> None:
        for report in reports:
            self._board[report.account] = fold(self._board.get(report.account, UNKNOWN), report)

    async def board(self) -> Mapping[str, AccountHealth]:
        return dict(self._board)

    async def lease(self, account: str, now: float, until: float) -> bool:
        health = leased(self._board.get(account, UNKNOWN), now, until)
        if health is None:
            return False
        self._board[account] = health
        return True

    async def close(self) -> None:
        """Nothing to be kept, nothing to be freed."""
