"""The client for programs without an event loop. May be shared by threads."""

import os
import random
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx

from everpost.client import calls
from everpost.client.answers import Email, Event, Page, Sent, Suppression
from everpost.client.calls import Call
from everpost.client.mail import EmailFilter, EventFilter, Mail, Time
from everpost.client.patience import Patience
from everpost.client.tries import Door, Pause, Tries

T = TypeVar("T")


def door_of(url: str | None, key: str | None) -> Door:
    """As given, or as EVERPOST_URL and EVERPOST_KEY say."""
    found = url or os.environ.get("EVERPOST_URL")
    if not found:
        raise ValueError("give the address of Everpost, or set EVERPOST_URL")
    return Door(url=found, key=key or os.environ.get("EVERPOST_KEY"))


class Everpost:
    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        """`http`: a client of yours, for proxies, certificates and the like; it is yours to close."""
        self._door = door_of(url, key)
        self._patience = patience or Patience()
        self._http = http or httpx.Client()
        self._owns_http = http is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._owns_http:
            self._http.close()

    def send(self, *, idempotency_key: str | None = None, wait_s: float = 0.0, **mail: Unpack[Mail]) -> Sent:
        """Sends one mail, durable when this returns. The same `idempotency_key` with the same mail is the same mail;
        without one, each call is a mail. `wait_s`: wait so long, at most 60, for a provider to take it."""
        return self._do(calls.send(mail, idempotency_key, wait_s))

    def get(self, email_id: str) -> Email:
        return self._do(calls.get(email_id))

    def emails(self, **wanted: Unpack[EmailFilter]) -> Iterator[Email]:
        """Newest first, read page by page as they are taken."""
        return self._walk(lambda cursor: calls.emails(wanted, cursor, calls.PAGE))

    def email_page(self, cursor: str | None = None, limit: int = 50, **wanted: Unpack[EmailFilter]) -> Page[Email]:
        """Newest first; `cursor` is the `next_cursor` of the page before."""
        return self._do(calls.emails(wanted, cursor, limit))

    def cancel(self, email_id: str, reason: str = "") -> Email:
        """Of a mail that is still queued. Not repeated after a lost answer: look by `get`."""
        return self._do(calls.cancel(email_id, reason))

    def reschedule(self, email_id: str, send_at: Time, reason: str) -> Email:
        """Of a mail that was never begun. Not repeated after a lost answer: look by `get`."""
        return self._do(calls.reschedule(email_id, send_at, reason))

    def resend(
        self, email_id: str, reason: str, *, send_at: Time | None = None, idempotency_key: str | None = None
    ) -> Sent:
        """A new mail, the same as one that is final."""
        return self._do(calls.resend(email_id, reason, send_at, idempotency_key))

    def events(self, after: str = "", **wanted: Unpack[EventFilter]) -> Iterator[Event]:
        """Oldest first, until there is no more for now; go on later with the `sequence` of the last as `after`."""
        while True:
            page = self._do(calls.events(wanted, after, calls.PAGE))
            yield from page.data
            if page.next_cursor in (None, after):
                return
            after = page.next_cursor or after

    def suppressions(self, address: str = "") -> Iterator[Suppression]:
        """In order of their letters; `address`: how they begin."""
        return self._walk(lambda cursor: calls.suppressions(address, cursor, calls.PAGE))

    def suppress(
        self, address: str, reason: str = "", *, stream: str | None = None, expires_at: Time | None = None
    ) -> Suppression:
        """Stops mail to an address; with `stream` only that mail. Needs a key of scope admin."""
        return self._do(calls.suppress(address, reason, stream, expires_at))

    def unsuppress(self, address: str, *, stream: str | None = None) -> None:
        """Allows it again, also if it was never stopped. Needs a key of scope admin."""
        self._do(calls.unsuppress(address, stream))

    def _walk(self, page_at: Callable[[str | None], Call[Page[T]]]) -> Iterator[T]:
        page = self._do(page_at(None))
        yield from page.data
        while page.next_cursor is not None:
            page = self._do(page_at(page.next_cursor))
            yield from page.data

    def _do(self, call: Call[T]) -> T:
        tries = Tries(call, self._door, self._patience, time.monotonic())
        while True:
            answer: httpx.Response | httpx.RequestError
            try:
                answer = self._http.request(**tries.request())
            except httpx.RequestError as error:
                answer = error
            found = tries.take(answer, time.monotonic(), random.random())  # noqa: S311  spreads clients out
            if not isinstance(found, Pause):
                return found
            time.sleep(found.for_s)
