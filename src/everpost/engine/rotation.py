"""Keeps the accounts at work with the secrets that they have now."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Final, Protocol

from everpost.engine.fleet import Fleet
from everpost.model.account import Account

LOOK_S: Final = 30.0  # between two looks for secrets that have become old
_log = logging.getLogger(__name__)


class Keeper(Protocol):
    async def renewed(self, at_fault: Collection[str] = ()) -> Sequence[Account]:
        """The accounts whose secrets have changed; `at_fault` names those that their providers refuse. Secrets that
        can't be read stay as they were."""
        ...


class Rotation:
    def __init__(self, fleet: Fleet, keeper: Keeper) -> None:
        self._fleet = fleet
        self._keeper = keeper

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._fleet.some_refused.wait()
            except TimeoutError:
                pass
            try:
                await self.step()
            except Exception:
                _log.exception("the accounts keep the secrets that they have")

    async def step(self) -> None:
        """Looks once: at secrets that have become old, and at those of accounts that were refused."""
        refused = set(self._fleet.refused)
        self._fleet.refused.clear()
        self._fleet.some_refused.clear()
        for account in await self._keeper.renewed(refused):
            self._fleet.renew(account)
