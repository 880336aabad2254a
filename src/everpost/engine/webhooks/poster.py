"""One event to one webhook: the request, and what its answer means."""

import asyncio
from base64 import b64encode
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from everpost import __version__
from everpost.engine.clock import Clock
from everpost.engine.webhooks.phrasing import Phrasing
from everpost.engine.wire import Guard, Wire
from everpost.model.account import Timeouts
from everpost.model.event import Recorded
from everpost.model.limits import REASON_CHARS_MAX, WEBHOOK_BODY_BYTES_MAX, WEBHOOK_REQUESTS_ALL_MAX
from everpost.model.webhook import Webhook
from everpost.providers.contract import Answer, Fault, HttpRequest, HttpResponse
from everpost.store.port import StoreUnavailable
from everpost.webhooks import signing
from everpost.webhooks.progress import End, Result
from everpost.webhooks.writing import Post

TIMEOUTS: Final = Timeouts(connect_s=5.0, write_s=5.0, answer_s=15.0)
"""The standard advises 15 to 30 s for all of it."""
_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": f"Everpost/{__version__}"}
_ASKS_TO_WAIT: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Poster:
    wire: Wire  # it keeps to the guard
    guard: Guard
    clock: Clock
    phrasing: Phrasing
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WEBHOOK_REQUESTS_ALL_MAX))

    async def post(self, webhook: Webhook, recorded: Recorded) -> Result:
        """Makes the request, or those of a format that tells of one recipient in each, up to the first that is not
        taken; or says why none can be made. Raises for nothing that a receiver does."""
        async with self.slots:
            return await self._posted(webhook, recorded)

    async def _posted(self, webhook: Webhook, recorded: Recorded) -> Result:
        at = self.clock.now()
        try:
            posts = await self.phrasing.posts(webhook, recorded, at)
        except StoreUnavailable:
            return Result(end=End.FAILED, at=at, error="the store did not answer")
        if isinstance(posts, str):
            return Result(end=End.UNSENDABLE, at=at, error=posts)
        largest = max(len(post.body) for post in posts)
        if largest > WEBHOOK_BODY_BYTES_MAX:
            error = f"the event has {largest} bytes, at most {WEBHOOK_BODY_BYTES_MAX} are posted"
            return Result(end=End.UNSENDABLE, at=at, error=error)
        complaint = self.guard.complaint(webhook.url)
        if complaint is not None:  # the settings have become stricter
            return Result(end=End.FAILED, at=at, error=f"the address {complaint}")
        for post in posts[:-1]:
            result = await self._sent(webhook, post, at)
            if result.end is not End.TAKEN:
                return result
        return await self._sent(webhook, posts[-1], at)

    async def _sent(self, webhook: Webhook, post: Post, at: float) -> Result:
        started = self.clock.monotonic()
        answer = await self.wire.send(_request(webhook, post, at), TIMEOUTS, started + TIMEOUTS.total_s)
        return _read(answer, at, round((self.clock.monotonic() - started) * 1000, 1))


def _request(webhook: Webhook, post: Post, at: float) -> HttpRequest:
    headers = {**_HEADERS, **signing.headers(webhook.keys, post.id, at, post.body), **post.headers}
    if webhook.login:
        headers["Authorization"] = f"Basic {b64encode(webhook.login.encode()).decode()}"
    return HttpRequest(method="POST", url=webhook.url, headers=headers, body=post.body)


def _read(answer: Answer, at: float, latency_ms: float) -> Result:
    """Nothing of the answer but its status is kept: what an address within a network says is nobody's business."""
    if isinstance(answer, Fault):
        error = f"{answer.phase}: {answer.text}"[:REASON_CHARS_MAX]
        return Result(end=End.FAILED, at=at, latency_ms=latency_ms, error=error)
    status = answer.status if isinstance(answer, HttpResponse) else 0
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Result(end=End.TAKEN, at=at, status=status, latency_ms=latency_ms)
    asked = _retry_after_s(answer, at) if isinstance(answer, HttpResponse) and status in _ASKS_TO_WAIT else 0.0
    return Result(
        end=End.FAILED, at=at, status=status, latency_ms=latency_ms, error=_words(status), retry_after_s=asked
    )


def _words(status: int) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"answered {status}: redirects are not followed"
    return f"answered {status}"


def _retry_after_s(answer: HttpResponse, now: float) -> float:
    """Seconds, or a date (RFC 9110 10.2.3); 0: nothing that can be read."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0
