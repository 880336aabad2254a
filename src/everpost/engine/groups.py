"""Mails that were scheduled under one name, and can be cancelled by it."""

import logging
import re
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from everpost.engine.desk import Desk
from everpost.engine.ports import Ports
from everpost.model.act import Act, Action
from everpost.model.key import Caller
from everpost.model.limits import GROUP_MAILS_MAX, SEND_AT_AHEAD_S_MAX
from everpost.model.problem import Problem
from everpost.store.port import Document, StoreUnavailable

KEPT_S: Final = SEND_AT_AHEAD_S_MAX + 86_400.0  # then nothing of a group can be waiting any more
_TRIES: Final = 10  # against others that add to the same group at the same moment
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_log = logging.getLogger(__name__)


class _Group(Struct):
    made_at: float
    mails: list[str]
    is_cancelled: bool = False


class Groups:
    def __init__(self, ports: Ports, desk: Desk) -> None:
        self._ports = ports
        self._desk = desk

    async def new(self, caller: Caller) -> str:
        """A name that nobody has used. Groups that are past their time go."""
        now = self._ports.clock.now()
        for name, document in (await self._ports.store.read_config(_place(caller, ""))).items():
            if _read(document).made_at < now - KEPT_S:
                await self._ports.store.write_config(name, None, document.version)
        return f"{self._ports.clock.entropy():020x}"

    async def check(self, caller: Caller, name: str, count: int) -> Problem | None:
        """Why so many mails can't be added to it; None: they can."""
        return _fault(await self._group(caller, name), count) if _NAME.fullmatch(name) else _nameless(name)

    async def enter(self, caller: Caller, name: str, mails: Sequence[str]) -> Problem | None:
        """Writes mails down that are about to be accepted under these ids: no mail is accepted that its group does not
        know of. What then comes to nothing is nothing to the group. Raises StoreUnavailable."""
        refused = await self.check(caller, name, len(mails))
        if refused is not None:
            return refused
        group = await self._change(caller, name, mails)
        if group is None:
            return _BUSY
        return _CANCELLED if group.is_cancelled else None

    async def settle(self, caller: Caller, name: str, mails: Sequence[str]) -> None:
        """When they are accepted: cancels those of a group that was cancelled meanwhile. If the store can't be read by
        then, they stand as accepted before it was cancelled: who sent them must not be told that they are not."""
        try:
            if (await self._group(caller, name)).is_cancelled:
                await self._cancel(caller, mails)
        except StoreUnavailable as error:
            _log.warning("whether a batch was cancelled is not known", extra={"error": str(error)})

    async def cancel(self, caller: Caller, name: str) -> Problem | None:
        """All of it that is still queued; and what comes later under its name."""
        if not _NAME.fullmatch(name):
            return _nameless(name)
        group = await self._change(caller, name, (), cancel=True)
        if group is None:
            return _BUSY
        await self._cancel(caller, group.mails)
        return None

    async def _change(self, caller: Caller, name: str, mails: Sequence[str], *, cancel: bool = False) -> _Group | None:
        """None: too many are at it."""
        for _ in range(_TRIES):
            document = await self._document(caller, name)
            group = _read(document, self._ports.clock.now())
            known = set(group.mails)
            group.mails += [each for each in mails if each not in known]
            group.is_cancelled |= cancel
            if await self._ports.store.write_config(_place(caller, name), _encode(group), document.version):
                return group
        return None

    async def _group(self, caller: Caller, name: str) -> _Group:
        return _read(await self._document(caller, name), self._ports.clock.now())

    async def _document(self, caller: Caller, name: str) -> Document:
        place = _place(caller, name)
        return (await self._ports.store.read_config(place)).get(place, Document(b"", 0))

    async def _cancel(self, caller: Caller, mails: Sequence[str]) -> None:
        """What is sent, or being sent, stays so."""
        for each in mails:
            await self._desk.act(caller, each, Act(action=Action.CANCEL, why="its batch was cancelled"))


def _place(caller: Caller, name: str) -> str:
    return f"group/{caller.project}/{name}"


def _read(document: Document, now: float = 0.0) -> _Group:
    return msgspec.json.decode(document.value, type=_Group) if document.value else _Group(made_at=now, mails=[])


def _encode(group: _Group) -> bytes:
    return msgspec.json.encode(group)


def _fault(group: _Group, count: int) -> Problem | None:
    if group.is_cancelled:
        return _CANCELLED
    if len(group.mails) + count > GROUP_MAILS_MAX:
        return _refused(f"a batch has at most {GROUP_MAILS_MAX} mails; take a new batch id")
    return None


def _nameless(name: str) -> Problem:
    return _refused(f"{name!r} is no batch id: 1 to 128 letters, digits, - and _")


def _refused(detail: str) -> Problem:
    return Problem(code="validation_failed", status=422, title="The request has faulty fields", detail=detail)


_CANCELLED: Final = _refused("this batch is cancelled; take a new batch id")
_BUSY: Final = Problem(
    code="overloaded", status=503, title="Too many change this batch at the same moment", retry_after_s=1.0
)
