"""Carries a request to a provider and tells the truth about how far it got."""

import ssl
import time
from collections.abc import Callable
from typing import Protocol

from everpost.engine.wire.guard import Guard
from everpost.engine.wire.http import Connections, HttpTransport
from everpost.engine.wire.smtp import SmtpTransport
from everpost.model.account import Timeouts
from everpost.model.limits import ANSWER_BODY_BYTES_MAX
from everpost.providers.contract import Answer, HttpRequest, Request

__all__ = ["Connections", "Guard", "NetworkWire", "Wire"]


class Wire(Protocol):
    async def send(self, request: Request, timeouts: Timeouts, not_after: float) -> Answer:
        """Makes the request once: no retry, no redirect. `not_after` is monotonic time: if it has passed right before
        the first byte of the request would leave, none leaves, and the answer is a Fault of phase DEADLINE."""
        ...

    async def close(self) -> None: ...


class NetworkWire:
    """The real network."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        tls: ssl.SSLContext | None = None,
        guard: Guard | None = None,
        body_bytes_max: int = ANSWER_BODY_BYTES_MAX,
    ) -> None:
        """With a guard, nothing is reached but what it lets through. `body_bytes_max`: of answers by HTTP."""
        context = tls if tls is not None else ssl.create_default_context()
        self._http = HttpTransport(monotonic, context, guard, body_bytes_max)
        self._smtp = SmtpTransport(monotonic, context, guard)

    async def send(self, request: Request, timeouts: Timeouts, not_after: float) -> Answer:
        if isinstance(request, HttpRequest):
            return await self._http.send(request, timeouts, not_after)
        return await self._smtp.send(request, timeouts, not_after)

    @property
    def connections(self) -> Connections:
        """By HTTP: one of SMTP is as old as its mail."""
        return self._http.connections

    async def close(self) -> None:
        self._http.close()
        self._smtp.close()
