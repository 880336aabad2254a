"""Carries a request to a provider and tells the truth about how far it got."""

from typing import Protocol

from everpost.model.account import Timeouts
from everpost.providers.contract import Answer, Request


class Wire(Protocol):
    async def send(self, request: Request, timeouts: Timeouts, not_after: float) -> Answer: ...

    async def close(self) -> None: ...
