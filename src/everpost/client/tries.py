"""One call from its first request to its end: what the two clients share. They bring the network, clock and chance."""

from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from msgspec import Struct

from everpost.client.calls import Call
from everpost.client.errors import EverpostError, NoAnswer, Refused, refusal
from everpost.client.patience import AGAIN, RUNNING, Patience

T = TypeVar("T")

NOT_BEGUN: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)  # nothing of the request has left
HOPELESS: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.DecodingError)


class Door(Struct, frozen=True):
    """Where the server is, and the key to it."""

    url: str
    key: str | None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the address of Everpost must be as https://mail.example.com, not {self.url!r}")

    def headers(self) -> dict[str, str]:
        """Of each request."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}


class Pause(Struct, frozen=True):
    for_s: float


class Tries(Generic[T]):
    def __init__(self, call: Call[T], door: Door, patience: Patience, now: float) -> None:
        """`now`, here and below: of a clock that only goes forward."""
        self._call = call
        self._door = door
        self._patience = patience
        self._ends_at = now + patience.deadline_s + call.wait_s
        self._failures = 0

    def request(self) -> dict[str, Any]:
        """The next one, which is the same as the one before, as httpx takes it."""
        call = self._call
        headers = self._door.headers() | {"accept": "application/json"} | dict(call.headers)
        if call.body:
            headers["content-type"] = "application/json"
        return {
            "method": call.method,
            "url": self._door.url.rstrip("/") + call.path,
            "content": call.body,
            "headers": headers,
            "timeout": httpx.Timeout(self._patience.try_s, read=self._patience.try_s + call.wait_s),
            "follow_redirects": False,  # the key goes where it was meant to go
        }

    def take(self, answer: httpx.Response | httpx.RequestError, now: float, chance: float) -> T | Pause:
        """What the call has brought, or how long to wait for the next try; raises what no try can mend."""
        if isinstance(answer, httpx.Response) and answer.is_success:
            return self._read(answer)
        self._failures += 1
        failed = _failure(answer)
        failed.idempotency_key = self._call.idempotency_key
        pause_s = None
        if self._may_repeat(answer, failed):
            pause_s = self._patience.pause_s(self._failures, _asked_s(answer), self._ends_at - now, chance)
        if pause_s is None:
            raise failed from (answer if isinstance(answer, Exception) else None)
        return Pause(pause_s)

    def _read(self, answer: httpx.Response) -> T:
        try:
            return self._call.read(answer.content)
        except msgspec.MsgspecError as error:
            told = NoAnswer(
                f"an answer ({answer.status_code}) that is none of Everpost's: {error}; is the address right?"
            )
            told.idempotency_key = self._call.idempotency_key
            raise told from error

    def _may_repeat(self, answer: httpx.Response | httpx.RequestError, failed: EverpostError) -> bool:
        if isinstance(answer, httpx.RequestError):
            return isinstance(answer, NOT_BEGUN) or (self._call.repeats and not isinstance(answer, HOPELESS))
        is_running = isinstance(failed, Refused) and failed.code == RUNNING
        return self._call.repeats and (answer.status_code in AGAIN or is_running)


def _failure(answer: httpx.Response | httpx.RequestError) -> EverpostError:
    if isinstance(answer, httpx.RequestError):
        return NoAnswer(f"{type(answer).__name__}: {answer}" if str(answer) else type(answer).__name__)
    return refusal(answer.status_code, answer.content, answer.headers.get("location", ""))


def _asked_s(answer: httpx.Response | httpx.RequestError) -> float | None:
    """Of Retry-After, as Everpost writes it: in seconds."""
    text = answer.headers.get("retry-after", "") if isinstance(answer, httpx.Response) else ""
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
