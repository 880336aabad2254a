"""What is fetched because a webhook names it: the certificate that it is signed by, and the address that confirms that
its events are wanted. Addresses of others' choice lead to nothing but what is public."""

from collections import OrderedDict
from http import HTTPStatus
from typing import Final

from everpost.engine.clock import Clock
from everpost.engine.wire import Guard, Wire
from everpost.model.account import Timeouts
from everpost.model.limits import REASON_CHARS_MAX
from everpost.providers.contract import Fault, HttpRequest, HttpResponse

TIMEOUTS: Final = Timeouts(connect_s=2.0, write_s=2.0, answer_s=5.0)
"""All of it, twice, is less than the 15 s after which SNS gives an answer up."""
BYTES_MAX: Final = 16 * 1024  # of a document
KEPT_MAX: Final = 32
KEPT_S: Final = 86_400.0
_HEADERS: Final = {"User-Agent": "everpost"}


class OutOfReach(Exception):
    """It can't be had now; says what, and why."""


class Documents:
    """Kept for a day, the ones that were asked for last."""

    def __init__(self, wire: Wire, guard: Guard, clock: Clock) -> None:
        """`wire` keeps to the guard, and bounds what it reads."""
        self._wire = wire
        self._guard = guard
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()  # by address, with the end of its time

    async def read(self, url: str) -> bytes:
        """Raises OutOfReach."""
        until, document = self._kept.pop(url, (0.0, b""))
        if until <= self._clock.monotonic():
            until, document = self._clock.monotonic() + KEPT_S, await self.ask(url)
        self._kept[url] = until, document
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return document

    async def ask(self, url: str) -> bytes:
        """The body of the answer, which is asked for once: no redirect is followed. Raises OutOfReach."""
        complaint = self._guard.complaint(url)
        if complaint is not None:
            raise OutOfReach(f"{url} {complaint}"[:REASON_CHARS_MAX])
        request = HttpRequest(method="GET", url=url, headers=dict(_HEADERS))
        answer = await self._wire.send(request, TIMEOUTS, self._clock.monotonic() + TIMEOUTS.total_s)
        if isinstance(answer, HttpResponse) and answer.status == HTTPStatus.OK and len(answer.body) <= BYTES_MAX:
            return answer.body
        why = answer.text if isinstance(answer, Fault) else f"answered {getattr(answer, 'status', '')}"
        raise OutOfReach(f"{url} can't be read: {why}"[:REASON_CHARS_MAX])

    async def close(self) -> None:
        await self._wire.close()
