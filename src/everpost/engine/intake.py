"""Takes in what a provider's own SDK sends: many mails of one request, and the same request more than once.

Some of these clients repeat a request by themselves, and most give it no name. So where a request has none, its mails
are known again by their content for a short time: who repeats within it is answered as the first time.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec import Struct

from everpost.engine.accept import Acceptance, Acceptor, Drawn
from everpost.engine.forms import Forms
from everpost.engine.idempotency import Idempotency
from everpost.engine.ports import Ports
from everpost.engine.routes import Routes
from everpost.model.delivery import DeliveryState
from everpost.model.key import Caller
from everpost.model.limits import MAILS_BYTES_MAX
from everpost.model.message import Draft, Origin, size_bytes
from everpost.model.problem import FieldError, Problem
from everpost.model.template import Templated

TOGETHER_MAX: Final = 64  # mails of one request that are stored at the same time, and share a commit

_ENCODER: Final = msgspec.msgpack.Encoder()


class Request(Struct, frozen=True, kw_only=True):
    """Where mails come from."""

    door: str  # what it was sent to: names are apart by door
    caller: Caller
    key: str | None  # its own name; None: it has none
    origin: Origin
    known_by: bytes | None = None  # tells its only mail from others; None: what stands in the mail does
    group: str | None = None  # under which its mails can be cancelled: in another one, the same mail is another mail
    drawn: Sequence[Drawn] = ()  # of `draw`: what its mails are called if they are new; may be left out


class Intake:
    def __init__(self, ports: Ports, routes: Routes, acceptor: Acceptor, forms: Forms) -> None:
        self._clock = ports.clock
        self._routes = routes
        self._acceptor = acceptor
        self._forms = forms
        self.window_s: float = 0
        """For how long the same content is the same mail; 0: never. To be set before the first request."""

    async def best(self, forms: Sequence[Draft]) -> Draft:
        """Of one mail in several forms. Raises StoreUnavailable."""
        return await self._forms.best(forms)

    async def check(self, mails: Sequence[Draft | Templated], request: Request) -> Problem | None:
        """Why the mails can't be accepted, of the first one that can't be and was not before. Raises
        StoreUnavailable."""
        routes, now = await self._routes.all(), self._clock.now()
        size = 0  # a small request must not become many large mails
        for mail, name in zip(mails, await self._names(mails, request), strict=True):
            checked = await self._acceptor.checked(mail, request.caller, routes, now)
            if isinstance(checked, Problem) and await self._acceptor.seen(name, request.caller) is None:
                return checked
            size += 0 if isinstance(checked, Problem) else size_bytes(checked)
            if size > MAILS_BYTES_MAX:
                return _too_large(size)
        return None

    def draw(self, count: int) -> Sequence[Drawn]:
        """For so many mails, by whose ids somebody has to know them before they are accepted."""
        return [self._acceptor.draw() for _ in range(count)]

    async def take(self, mails: Sequence[Draft | Templated], request: Request) -> list[Acceptance | Problem]:
        """What became of each mail. A repeated request finds those again that it has brought before."""
        drawn: Sequence[Drawn | None] = request.drawn or [None] * len(mails)
        whole = [*zip(mails, await self._names(mails, request), drawn, strict=True)]
        taken: list[Acceptance | Problem] = []
        for start in range(0, len(whole), TOGETHER_MAX):
            takes = [self._take(*each, request) for each in whole[start : start + TOGETHER_MAX]]
            alone = len(takes) == 1  # and needs no task of its own
            taken += [await takes[0]] if alone else await asyncio.gather(*takes)
        return taken

    async def _take(
        self, mail: Draft | Templated, name: Idempotency | None, drawn: Drawn | None, request: Request
    ) -> Acceptance | Problem:
        accept = partial(self._acceptor.accept, mail, request.caller, origin=request.origin, drawn=drawn)
        taken = await accept(idempotency=name)
        while name is not None and request.key is None and (cancelled_at := _cancelled(taken)) is not None:
            name = msgspec.structs.replace(name, after=cancelled_at)
            taken = await accept(idempotency=name)
        return taken

    async def _names(self, mails: Sequence[Draft | Templated], request: Request) -> list[Idempotency | None]:
        """By its own name, which has no blank, and place; else by content and how often it was there before, so that
        a mail that one request has twice is sent twice. What counts is what the request says: not what a template
        makes of it, which may have changed when the request is repeated."""
        if request.key is None and not self.window_s:
            return [None] * len(mails)
        digests = await self._acceptor.aside.run(_size(mails), lambda: [_digest(mail, request) for mail in mails])
        if request.key is not None:
            scope = f"{request.caller.project}:{request.door}"
            keys = [request.key if not place else f"{request.key} {place}" for place in range(len(mails))]
            return [Idempotency(scope, key, digest) for key, digest in zip(keys, digests, strict=True)]
        scope = f"{request.caller.project}:{request.door}:{request.caller.who}"
        seen: Counter[bytes] = Counter()
        names: list[Idempotency | None] = []
        for digest in digests:
            names.append(Idempotency(scope, f"{digest.hex()}.{seen[digest]}", digest, lasts_s=self.window_s))
            seen[digest] += 1
        return names


def _too_large(size: int) -> Problem:
    words = f"makes mails of {size} bytes of content together, at most {MAILS_BYTES_MAX} are taken"
    error = FieldError("template", words)
    return Problem(code="validation_failed", status=422, title="The request has faulty fields", errors=(error,))


def _digest(mail: Draft | Templated, request: Request) -> bytes:
    said = request.known_by or _ENCODER.encode(_said(mail))
    return hashlib.sha256(said + (request.group or "").encode()).digest()


def _size(mails: Sequence[Draft | Templated]) -> int:
    """Bytes of the content that is gone through."""
    return sum(size_bytes(mail if isinstance(mail, Draft) else mail.draft) for mail in mails)


def _said(mail: Draft | Templated) -> Draft | Templated:
    """What a provider is to fill in says all that the request does, and once."""
    return mail.elsewhere or mail if isinstance(mail, Templated) else mail


def _cancelled(taken: Acceptance | Problem) -> float | None:
    """When a mail was accepted that has been cancelled since. Then its sender had an answer, and does not repeat the
    mail for want of one: another one is wanted."""
    if isinstance(taken, Problem) or any(each.state is not DeliveryState.CANCELLED for each in taken.stored.deliveries):
        return None
    return taken.stored.message.created_at
