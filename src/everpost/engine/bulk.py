"""What people do to many mails at once: all that a filter finds, some hundred a step, each one as if it were alone."""

import hashlib
from typing import Final

from msgspec import Struct

from everpost.core import acting
from everpost.engine.desk import Desk, refusal
from everpost.engine.idempotency import Idempotency
from everpost.engine.ports import Ports
from everpost.model.act import Act, Action
from everpost.model.key import Caller
from everpost.model.limits import BULK_MAX, BULK_S_MAX
from everpost.model.problem import Problem
from everpost.store.port import Filter, Stored

PAGE: Final = 100  # mails that are read at once


class Refused(Struct, frozen=True):
    message_id: str
    problem: Problem


class Step(Struct, frozen=True, kw_only=True):
    """What was done, or what would be."""

    at: float  # when it began; what is accepted from then on was not looked at
    matched: int  # mails that the filter has found
    done: int  # of these
    refused: tuple[Refused, ...]  # the others
    last: str | None  # the mail that was looked at last, if there may be others behind it


class Bulk:
    def __init__(self, ports: Ports, desk: Desk) -> None:
        self._ports = ports
        self._desk = desk

    async def step(self, caller: Caller, act: Act, by: Filter, before: str | None, key: str | None) -> Step:
        """The newest first, at most BULK_MAX from `before` on, and no further page after BULK_S_MAX. `key`: under which
        mails are sent again, each of them once however often the step is repeated; None: it is only said what would be
        done."""
        at, matched, refused = self._ports.clock.now(), 0, list[Refused]()
        until = self._ports.clock.monotonic() + BULK_S_MAX
        while matched < BULK_MAX and self._ports.clock.monotonic() < until:
            page = await self._ports.store.list_messages(by, before, PAGE)
            for stored in page:
                problem = await self._one(caller, act, stored, key)
                if problem is not None:
                    refused.append(Refused(stored.message.id, problem))
            matched += len(page)
            if len(page) < PAGE:
                before = None
                break
            before = page[-1].message.id
        return Step(at=at, matched=matched, done=matched - len(refused), refused=tuple(refused), last=before)

    async def _one(self, caller: Caller, act: Act, stored: Stored, key: str | None) -> Problem | None:
        id_ = stored.message.id
        if key is not None and act.action is Action.RESEND:  # its key may know of it, whatever hinders it by now
            sent = await self._desk.resend(caller, id_, act, _each(caller, key, id_))
            return sent if isinstance(sent, Problem) else None
        hindered = acting.hindrance(act, stored.message, stored.deliveries, self._ports.clock.now())
        if hindered is not None:
            return refusal(act, hindered)
        if key is None:
            return None
        done = await self._desk.act(caller, id_, act)
        return done if isinstance(done, Problem) else None


def _each(caller: Caller, key: str, message_id: str) -> Idempotency:
    """The key of one mail of many."""
    digest = hashlib.sha256(f"{key}\n{message_id}".encode())
    return Idempotency(scope=f"{caller.project}:bulk", key=digest.hexdigest(), fingerprint=digest.digest())
