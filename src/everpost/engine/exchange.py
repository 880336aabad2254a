"""Suppressions from a provider's own lists, and to them.

Ours is the authority: what a provider lists is added to it, and nothing is ever taken away, here or there. Each page is
stored before the next one is asked for, and each step may be repeated: whoever was interrupted starts again.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from everpost.core.masking import masked
from everpost.engine.clock import Clock
from everpost.engine.probing import TIMEOUTS
from everpost.engine.suppressing import Suppressing
from everpost.engine.wire import Wire
from everpost.model.account import Account
from everpost.model.key import Caller
from everpost.model.limits import PAGE_MAX, REASON_CHARS_MAX
from everpost.model.suppression import ALL, Source, Suppression, SuppressionDraft, covers, has_expired
from everpost.providers.contract import Fault, HttpRequest, HttpResponse, SmtpReply
from everpost.providers.listing import Lists
from everpost.store.port import Store

PAGES_MAX: Final = 100_000  # of a list: one that has no end is given up
TRIES: Final = 5  # of a request that the provider wants to have later
WAIT_S_MAX: Final = 60.0
_TOO_MANY: Final = 429


class Untold(Exception):
    """The provider has not answered as it should; what was done until then stays."""


class Tally(Struct, frozen=True, kw_only=True):
    seen: int  # on the list that they were read from
    done: int  # added, or that would be
    refused: int = 0  # that the provider has left out


class Exchange:
    def __init__(self, store: Store, wire: Wire, clock: Clock) -> None:
        self._store = store
        self._wire = wire
        self._clock = clock
        self._suppressing = Suppressing(store, clock, lambda: None)

    async def pull(self, caller: Caller, account: Account, lists: Lists, *, stream: str, dry_run: bool) -> Tally:
        """What the provider lists and ours does not stop yet is added. An unsubscription is one from `stream`."""
        seen = done = 0
        for name in lists.names:
            place = ""
            for _ in range(PAGES_MAX):
                page = lists.read(name, place, await self._told(lists.ask(account, name, place)))
                if page is None:
                    raise Untold(f"the answer of {account.provider} on its list {name!r} makes no sense")
                fresh = await self._uncovered(caller, [_ours(row, account, stream) for row in page.rows])
                seen, done = seen + len(page.rows), done + len(fresh)
                if fresh and not dry_run:
                    await self._suppressing.put(caller, fresh)
                place = page.further
                if not place:
                    break
            else:
                raise Untold(f"the list {name!r} of {account.provider} has no end")
        return Tally(seen=seen, done=done)

    async def push(self, caller: Caller, account: Account, lists: Lists, *, dry_run: bool) -> Tally:
        """What stops all mail, and whose source the provider takes. What is listed there stays listed."""
        seen = done = refused = 0
        after = ("", ALL)
        while page := await self._store.list_suppressions(caller.project, "", after, PAGE_MAX):
            after = (page[-1].address, page[-1].stream)
            now = self._clock.now()
            wanted = [row for row in page if row.stream == ALL and row.source in lists.takes]
            lasting = [row for row in wanted if not has_expired(row, now)]
            seen, done = seen + len(page), done + len(lasting)
            if not dry_run:
                refused += await self._add(account, lists, lasting)
        return Tally(seen=seen, done=done - refused, refused=refused)

    async def _add(self, account: Account, lists: Lists, rows: Sequence[Suppression]) -> int:
        refused = 0
        domains = await self._told(lists.domains(account)) if rows and lists.domains is not None else None
        for start in range(0, len(rows), lists.at_once_max):
            some = rows[start : start + lists.at_once_max]
            if lists.add_to is not None:
                requests: Iterable[HttpRequest] | None = lists.add_to(account, domains, some)
            else:
                requests = lists.add(account, some) if lists.add is not None else ()
            if requests is None:
                raise Untold("the provider names no domain on whose list they could stand")
            for request in requests:
                refused += lists.refused(await self._told(request))
        return refused

    async def _uncovered(self, caller: Caller, drafts: Sequence[SuppressionDraft]) -> list[SuppressionDraft]:
        """Those that stop something that nothing else stops."""
        now = self._clock.now()
        fresh: dict[tuple[str, str], SuppressionDraft] = {}
        for stream in {draft.stream for draft in drafts}:
            some = [draft for draft in drafts if draft.stream == stream]
            known = await self._store.suppressed(caller.project, [draft.address for draft in some], stream)
            holding = _by_address(row for row in known if not has_expired(row, now))
            for draft in some:
                if not any(covers(row, draft) for row in holding.get(draft.address, ())):
                    fresh[draft.address, draft.stream] = draft
        return list(fresh.values())

    async def _told(self, request: HttpRequest) -> Any:
        """The body of a good answer; None where it has none that could be read."""
        answer = await self._answer(request)
        if isinstance(answer, Fault):
            raise Untold(f"the provider can't be reached: {answer.phase}: {answer.text}")
        if not 200 <= answer.status < 300:
            words = masked(answer.body.decode(errors="replace"))
            raise Untold(f"the provider answered {answer.status} {words}"[:REASON_CHARS_MAX].strip())
        try:
            return msgspec.json.decode(answer.body) if answer.body else None
        except msgspec.DecodeError:
            return None

    async def _answer(self, request: HttpRequest) -> HttpResponse | Fault:
        tries = 1
        while True:
            answer = await self._wire.send(request, TIMEOUTS, self._clock.monotonic() + TIMEOUTS.total_s)
            assert not isinstance(answer, SmtpReply)  # noqa: S101  it was asked by HTTP
            if isinstance(answer, Fault) or answer.status != _TOO_MANY or tries == TRIES:
                return answer
            tries += 1
            await asyncio.sleep(_wait_s(answer))


def _ours(row: SuppressionDraft, account: Account, stream: str) -> SuppressionDraft:
    words = f"{account.name} lists it" + (f": {masked(row.reason)}" if row.reason else "")
    is_left = row.source is Source.UNSUBSCRIBE
    return replace(row, reason=words[:REASON_CHARS_MAX], stream=stream if is_left else ALL)


def _by_address(rows: Iterator[Suppression]) -> Mapping[str, Sequence[Suppression]]:
    found: dict[str, list[Suppression]] = {}
    for row in rows:
        found.setdefault(row.address, []).append(row)
    return found


def _wait_s(answer: HttpResponse) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told), WAIT_S_MAX) if told.isdecimal() else 1.0
