"""The client for programs on asyncio: `Everpost`, awaited."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx

from everpost.client import calls
from everpost.client.answers import Email, Event, Page, Sent, Suppression
from everpost.client.calls import Call
from everpost.client.mail import EmailFilter, EventFilter, Mail, Time
from everpost.client.patience import Patience
from everpost.client.sync import door_of
from everpost.client.tries import Pause, Tries

T = TypeVar("T")


class AsyncEverpost:
    """Each method is told of at `Everpost`."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._door = door_of(url, key)
        self._patience = patience or Patience()
        self._http = http or httpx.AsyncClient()
        self._owns_http = http is None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def send(self, *, idempotency_key: str | None = None, wait_s: float = 0.0, **mail: Unpack[Mail]) -> Sent:
        return await self._do(calls.send(mail, idempotency_key, wait_s))

    async def get(self, email_id: str) -> Email:
        return await self._do(calls.get(email_id))

    def emails(self, **wanted: Unpack[EmailFilter]) -> AsyncIterator[Email]:
        return self._walk(lambda cursor: calls.emails(wanted, cursor, calls.PAGE))

    async def email_page(
        self, cursor: str | None = None, limit: int = 50, **wanted: Unpack[EmailFilter]
    ) -> Page[Email]:
        return await self._do(calls.emails(wanted, cursor, limit))

    async def cancel(self, email_id: str, reason: str = "") -> Email:
        return await self._do(calls.cancel(email_id, reason))

    async def reschedule(self, email_id: str, send_at: Time, reason: str) -> Email:
        return await self._do(calls.reschedule(email_id, send_at, reason))

    async def resend(
        self, email_id: str, reason: str, *, send_at: Time | None = None, idempotency_key: str | None = None
    ) -> Sent:
        return await self._do(calls.resend(email_id, reason, send_at, idempotency_key))

    async def events(self, after: str = "", **wanted: Unpack[EventFilter]) -> AsyncIterator[Event]:
        while True:
            page = await self._do(calls.events(wanted, after, calls.PAGE))
            for event in page.data:
                yield event
            if page.next_cursor in (None, after):
                return
            after = page.next_cursor or after

    def suppressions(self, address: str = "") -> AsyncIterator[Suppression]:
        return self._walk(lambda cursor: calls.suppressions(address, cursor, calls.PAGE))

    async def suppress(
        self, address: str, reason: str = "", *, stream: str | None = None, expires_at: Time | None = None
    ) -> Suppression:
        return await self._do(calls.suppress(address, reason, stream, expires_at))

    async def unsuppress(self, address: str, *, stream: str | None = None) -> None:
        await self._do(calls.unsuppress(address, stream))

    async def _walk(self, page_at: Callable[[str | None], Call[Page[T]]]) -> AsyncIterator[T]:
        page = await self._do(page_at(None))
        for one in page.data:
            yield one
        while page.next_cursor is not None:
            page = await self._do(page_at(page.next_cursor))
            for one in page.data:
                yield one

    async def _do(self, call: Call[T]) -> T:
        tries = Tries(call, self._door, self._patience, time.monotonic())
        while True:
            answer: httpx.Response | httpx.RequestError
            try:
                answer = await self._http.request(**tries.request())
            except httpx.RequestError as error:
                answer = error
            found = tries.take(answer, time.monotonic(), random.random())  # noqa: S311  spreads clients out
            if not isinstance(found, Pause):
                return found
            await asyncio.sleep(found.for_s)
