"""Room 3 of what providers tell: verify, read, join, one durable write; only then is the provider answered.

Nothing waits in a queue of its own: reading is quick and pure, so an event is either on the trail, joined to its mail,
or its provider has not been answered and sends it again.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from everpost.core import noticing, repeating, transitions
from everpost.core.noticing import Join
from everpost.core.transitions import OPEN
from everpost.engine import journal
from everpost.engine.documents import Documents, OutOfReach
from everpost.engine.fleet import Fleet
from everpost.engine.joining import Joiner, Projects
from everpost.engine.ports import Ports
from everpost.model.account import Account
from everpost.model.change import Change
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, Recorded
from everpost.model.limits import PAPER_BYTES_MAX, PROVIDER_ID_CHARS_MAX
from everpost.model.sighting import RELEASED, TAKEN, Sighting, SightingKind, Unreadable
from everpost.model.suppression import Suppression, covers, has_expired
from everpost.providers.hooks import QUEUE, Forged, Genuine, HookRequest, Lacks, Webhook, secrets_of
from everpost.store.port import Notice, Written

DOCUMENTS_MAX: Final = 2  # that one request takes: a certificate, and what has issued it
TOKENS_MAX: Final = 100_000  # that one process remembers
RESOLVE_TRIES: Final = 3  # against workers that write at the same moment
_log = logging.getLogger(__name__)

OnWritten = Callable[[Sequence[Change]], None]
Sieve = Callable[[Event, Sequence[Recorded]], Event | None]


class Taken(Struct, frozen=True, kw_only=True):
    """It is on the trail."""

    joined: int = 0  # events of mails that are known here
    unjoined: int = 0  # of others
    unreadable: int = 0
    repeated: int = 0  # of all these, those that were known


class Untaken(Struct, frozen=True):
    """Nothing of it was kept."""

    why: str  # unknown_account, unconfigured, unproven or forged
    detail: str


class Ingestor:
    def __init__(self, ports: Ports, fleet: Fleet, projects: Projects, on_written: OnWritten) -> None:
        self._ports = ports
        self._fleet = fleet
        self._joiner = Joiner(ports, projects)
        self._on_written = on_written
        self.in_hand = 0  # requests that are worked on; whoever lets them in counts them
        self._tokens: OrderedDict[tuple[str, str], bytes] = OrderedDict()  # by account: what each has come with

    def webhook(self, account: str) -> Webhook | None:
        """How its provider's events are told; None: there is no such account, or its provider sends none."""
        member = self._fleet.member(account)
        return member.provider.webhook if member is not None else None

    async def take_in(self, account: str, request: HookRequest) -> Taken | Untaken:
        """Raises StoreUnavailable: then its provider has to send it again, which does no harm."""
        webhook, member = self.webhook(account), self._fleet.member(account)
        if webhook is None or member is None:
            return Untaken("unknown_account", f"there is no account {account!r} whose provider sends events")
        secrets = secrets_of(member.account, webhook.setting)
        if not secrets:
            return Untaken("unconfigured", f"accounts.{account}.{webhook.setting} is not set: nothing can be verified")
        try:
            proof = await self._proof(webhook, request, member.account, secrets)
        except OutOfReach as error:
            return Untaken("unproven", str(error))
        if isinstance(proof, Forged):
            return Untaken("forged", proof.reason)
        if proof.once is not None and not self._is_first_use((account, proof.once), request.body):
            return Untaken("forged", "its signature was used before, for another event")
        return await self.keep(account, webhook.read(request.body), request.received_at)

    async def take_queued(self, queue: str, body: bytes, received_at: float) -> tuple[str, Taken | Untaken]:
        """What a queue has brought, which only its provider may write to, so that nothing else is proven; and the name
        of the account that the queue belongs to. Raises StoreUnavailable."""
        for member in self._fleet.members():
            if member.provider.webhook is not None and member.account.settings.get(QUEUE) == queue:
                return member.account.name, await self.keep(
                    member.account.name, member.provider.webhook.read(body), received_at
                )
        return "", Untaken("unknown_account", f"no account has {queue!r} as its {QUEUE}")

    async def _proof(
        self, webhook: Webhook, request: HookRequest, account: Account, secrets: Sequence[str]
    ) -> Genuine | Forged:
        """With the documents that it takes; a subscription that is to be confirmed is. Raises OutOfReach."""
        found: dict[str, bytes] = {}
        while isinstance(proof := webhook.verify(replace(request, documents=found), account, secrets), Lacks):
            if len(found) >= DOCUMENTS_MAX:
                return Forged(f"it takes more than {DOCUMENTS_MAX} documents to tell")
            found[proof.url] = await self._documents().read(proof.url)
        if isinstance(proof, Genuine) and proof.confirm is not None:
            await self._documents().ask(proof.confirm)
        if isinstance(proof, Genuine) and proof.notice:
            _log.warning("a provider tells of its webhook", extra={"account": account.name, "error": proof.notice})
        return proof

    def _documents(self) -> Documents:
        if self._ports.documents is None:
            raise OutOfReach("nothing is fetched by this process")
        return self._ports.documents

    def _is_first_use(self, token: tuple[str, str], body: bytes) -> bool:
        """Whether the token came with this body only, as far as this process remembers."""
        digest = hashlib.sha256(body).digest()
        if len(self._tokens) >= TOKENS_MAX and token not in self._tokens:
            self._tokens.popitem(last=False)
        return self._tokens.setdefault(token, digest) == digest

    async def keep(self, account: str, read: Sequence[Sighting | Unreadable], received_at: float) -> Taken:
        """Of a genuine request of the account's provider. Raises StoreUnavailable."""
        return await self._keep(account, read, received_at, repeating.unless_told)

    async def keep_listed(self, account: str, read: Sequence[Sighting | Unreadable], received_at: float) -> Taken:
        """Of an answer of the account's provider, whose list may give no ids. Raises StoreUnavailable."""
        return await self._keep(account, read, received_at, repeating.unless_known)

    async def _keep(
        self, account: str, read: Sequence[Sighting | Unreadable], received_at: float, of_no_id: Sieve
    ) -> Taken:
        sightings = [one for one in read if isinstance(one, Sighting)]
        joins = await self._joiner.joins(sightings, account)
        notices = []
        for sighting, join in zip(sightings, joins, strict=True):
            sieve = of_no_id if sighting.event_id is None else repeating.unless_told
            event = noticing.event_of(sighting, account, join, received_at)
            fresh = sieve(event, () if join is None else join.trail)
            if fresh is not None:
                notices.append(await self._notice(fresh, sighting, join))
        passed_over = len(sightings) - len(notices)
        unreadable = [one for one in read if isinstance(one, Unreadable)]
        notices += [_unreadable(one, account, received_at) for one in unreadable]
        written = await self._ports.store.note(notices)
        self._ports.news.nudge()
        await self._resolve(zip(sightings, joins, strict=True), account)
        joined = sum(join is not None for join in joins)
        return Taken(
            joined=joined,
            unjoined=len(joins) - joined,
            unreadable=len(unreadable),
            repeated=passed_over + written.count(False),
        )

    async def _notice(self, event: Event, sighting: Sighting, join: Join | None) -> Notice:
        """With the suppression that follows, unless one that is known stops as much."""
        paper, now = sighting.raw[:PAPER_BYTES_MAX], self._ports.clock.now()
        row = None if join is None else noticing.suppression_of(event, sighting, join, now)
        if row is None or await self._is_covered(row):
            return Notice(event=event, paper=paper)
        further = noticing.suppression_event(event, row)
        return Notice(event=event, paper=paper, suppressions=(row,), further=(further,))

    async def _is_covered(self, row: Suppression) -> bool:
        known = await self._ports.store.suppressed(row.project, [row.address], row.stream)
        return any(covers(one, row) for one in known if not has_expired(one, row.created_at))

    async def _resolve(self, told: Iterable[tuple[Sighting, Join | None]], account: str) -> None:
        """What the account tells of mail that it may or may not have taken, or has parked, proves that it has it, or
        parks it no more."""
        for sighting, join in told:
            if join is not None and _is_settled(join.delivery, sighting.kind, account):
                await self._resolve_one(join, sighting, account)

    async def _resolve_one(self, join: Join, sighting: Sighting, account: str) -> None:
        for _ in range(RESOLVE_TRIES):
            current = await self._ports.store.find_delivery(join.delivery.id)
            if current is None or not _is_settled(current, sighting.kind, account):
                return
            change = transitions.found(current, _sound(sighting.provider_message_id), self._ports.clock.now())
            if await self._ports.store.advance([change]) == [Written.DONE]:
                self._on_written([change])
                journal.tell(join.message, change)
                return


def _is_settled(delivery: Delivery, kind: SightingKind, account: str) -> bool:
    """Whether this ends the doubt about it, or its being held. What is held under the account's own name for it was
    taken and parked: that it was taken is no news."""
    is_parked = delivery.state is DeliveryState.HELD and delivery.provider_message_id is not None
    return delivery.account == account and delivery.state in OPEN and kind in (RELEASED if is_parked else TAKEN)


def _sound(message_id: str | None) -> str | None:
    return message_id if message_id is not None and len(message_id) <= PROVIDER_ID_CHARS_MAX else None


def _unreadable(what: Unreadable, account: str, received_at: float) -> Notice:
    event = noticing.unreadable_event(what, account, received_at)
    _log.warning("an event of a provider is unreadable", extra={"account": account, "error": what.reason})
    return Notice(event=event, paper=what.raw[:PAPER_BYTES_MAX])
