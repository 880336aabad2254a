"""What the engine needs of a store. Every method is one atomic step, and durable when it returns.

No session, query object or transaction leaves this port. Whatever changes state carries its events and is written
with them in one step, so that the audit trail can't disagree with the state.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from everpost.model.change import Change, Charge, Usage
from everpost.model.delivery import Delivery, DeliveryState
from everpost.model.event import Event, Recorded
from everpost.model.message import Message
from everpost.model.suppression import ALL, Suppression


class StoreUnavailable(Exception):
    """The store can't do it now (disk full, I/O error, too many waiting). Nothing may be assumed to be written."""


class AcceptOverrun(StoreUnavailable):
    """The message was not durable before its deadline. Its key is free again and it will not be sent."""


class IdempotencyClaim(Struct, frozen=True, kw_only=True):
    scope: str  # project + operation
    key: str
    fingerprint: bytes  # of the request's body
    running_until: float | None = None  # a synchronous caller waits until then for the outcome; None: nobody does
    since: float | None = None  # a message that was created before is not meant, and gives the key up; None: any is


class New(Struct, frozen=True):
    """The message is stored."""


class Same(Struct, frozen=True, kw_only=True):
    """The key was used before for the same body."""

    message_id: str
    running_until: float | None  # the first request may still be waiting for its answer until then
    answer: bytes | None  # what the first request was answered, if that was kept


class Conflict(Struct, frozen=True):
    """The key was used before for another body."""

    message_id: str


class Unbegun(Struct, frozen=True):
    """Nothing is stored: the attempt that the message came with may not be made, since one of its recipients may be
    suppressed (for all mail or its stream, expired or not) or a charge does not fit."""


Accepted = New | Same | Conflict | Unbegun


class Written(StrEnum):
    DONE = "done"
    FENCED = "fenced"  # somebody else has written since: the lease is lost, nothing was changed
    OVER_QUOTA = "over_quota"  # a charge did not fit, nothing was changed


class Claimed(Struct, frozen=True):
    delivery: Delivery  # as it now stands: version raised, due at the end of the lease
    message: Message


class Claim(Struct, frozen=True):
    claimed: tuple[Claimed, ...]
    next_due_at: float | None  # of what was left in the queue; None: it is empty


class Stored(Struct, frozen=True, kw_only=True):
    message: Message  # without its content (text, html, attachments), which may be large
    deliveries: tuple[Delivery, ...]
    events: tuple[Recorded, ...] = ()  # of this message, oldest first


class Filter(Struct, frozen=True, kw_only=True):
    """What a list of messages is narrowed to. All given conditions hold together."""

    project: str
    state: DeliveryState | None = None
    recipient: str | None = None  # an address, in any case of letters
    tag: str | None = None
    account: str | None = None  # of the current or last attempt
    created_from: float | None = None
    created_before: float | None = None


class Document(Struct, frozen=True):
    """A small versioned value: a route, an API key, a sink's cursor."""

    value: bytes
    version: int  # 1 for the first write


Listed = tuple[str, str]
"""The place of a suppression on its list: its address in lower case, and its stream."""


class Notice(Struct, frozen=True, kw_only=True):
    """What somebody outside has told, and what follows from it at once."""

    event: Event
    paper: bytes = b""  # its words as they came: kept as long as the event, the addresses and bodies of its message
    suppressions: tuple[Suppression, ...] = ()
    further: tuple[Event, ...] = ()  # events that tell what follows


class Bounds(Struct, frozen=True, kw_only=True):
    """Instants: what was accepted before them is no longer kept, once it is final. None: as long as its message."""

    messages: float
    keys: float  # idempotency keys, whatever became of their message
    bodies: float | None = None
    addresses: float | None = None
    events: float | None = None  # of messages, and those that belong to none
    suppressions: float | None = None  # that end: by then they have; None: they stay
    salt: bytes = b""  # for the tokens that addresses are replaced by

    @property
    def papers(self) -> float:
        """Of what providers have sent that belongs to no message: it names addresses, and nobody could find them."""
        return self.messages if self.addresses is None else max(self.addresses, self.messages)


class Counts(Struct, frozen=True, kw_only=True):
    """For gauges: conservation, depth and age of the queue."""

    accepted: int  # deliveries ever stored, less those purged
    by_state: Mapping[str, int]
    oldest_due_at: float | None


class Store(Protocol):
    async def accept(
        self,
        message: Message,
        deliveries: Sequence[Delivery],
        events: Sequence[Event],
        claim: IdempotencyClaim | None,
        not_after: float,
        charges: Sequence[Charge] = (),
    ) -> Accepted:
        """Stores message, deliveries, events and key in one step, or says that the key is taken. A delivery may come
        with the intent of its first attempt (SENDING, with its event and charges), if nothing speaks against that.

        `not_after` is wall-clock time: a message that is not durable by then is undone (deliveries cancelled, key
        freed) and AcceptOverrun is raised, unless somebody has taken it up or was told of it (`vouch`).
        """
        ...

    async def find_key(
        self, scope: str, key: str, fingerprint: bytes, since: float | None = None
    ) -> Same | Conflict | None:
        """What `accept` would say of this key; None: it is free."""
        ...

    async def vouch(self, scope: str, key: str, message_id: str) -> bool:
        """To be asked before a repeated request is told of the message of its key: from now on that message is not
        undone, however late it was stored. False: it is not the key's; it may have been undone meanwhile."""
        ...

    async def answer(self, scope: str, key: str, answer: bytes) -> None:
        """Keeps what the first request with this key was answered, for its replays. An empty answer is one, too."""
        ...

    async def claim_due(self, now: float, lease_s: float, room: int) -> Claim:
        """Takes up to `room` deliveries that are due, the longest due first, raising each one's version and moving
        its `due_at` to the end of the lease. States are left as they are."""
        ...

    async def begin(self, changes: Sequence[Change]) -> list[Written]:
        """Writes intents: each change if its version still holds and all its charges fit, else not at all."""
        ...

    async def advance(self, changes: Sequence[Change]) -> list[Written]:
        """Writes what came of deliveries: each change if its version still holds, else not at all."""
        ...

    async def record(self, events: Sequence[Event]) -> None:
        """Appends events that belong to no change; one whose id is known is left out."""
        ...

    async def note(self, notices: Sequence[Notice]) -> list[bool]:
        """Stores each notice whole, or not at all where its event's id is known; says which were stored."""
        ...

    async def paper(self, event_id: str, message_id: str | None) -> bytes | None:
        """What came with a notice of this message, or of none; None: the event is not known, or came without."""
        ...

    async def get_message(self, project: str, message_id: str) -> Stored | None: ...

    async def read_message(self, project: str, message_id: str) -> Message | None:
        """With its content, as it is stored."""
        ...

    async def find_delivery(self, delivery_id: str) -> Delivery | None: ...

    async def list_messages(self, by: Filter, before: str | None, limit: int) -> list[Stored]:
        """Newest first; `before` is the id of the last message of the page before."""
        ...

    async def read_events(
        self, after: int, limit: int, project: str | None = None, message_id: str | None = None
    ) -> list[Recorded]:
        """Events with `seq` above `after`, oldest first; of all projects when `project` is None."""
        ...

    async def usage(self) -> Mapping[tuple[str, str], Usage]:
        """The newest window of each (account, unit)."""
        ...

    async def read_config(self, prefix: str) -> Mapping[str, Document]:
        """All documents whose name starts with `prefix`."""
        ...

    async def write_config(
        self, name: str, value: bytes | None, was: int | None, events: Sequence[Event] = ()
    ) -> Document | None:
        """Stores a document with its events if its version is `was` (0: absent; None: whatever it is). A value of
        None deletes it. Returns None, having changed nothing, if the version differs; else the document as stored
        (after a deletion: an empty one of version 0)."""
        ...

    async def suppress(self, suppressions: Sequence[Suppression], events: Sequence[Event]) -> None:
        """One of an address and a stream that has one takes its place."""
        ...

    async def unsuppress(
        self, project: str, addresses: Sequence[str], events: Sequence[Event], stream: str = ALL
    ) -> None:
        """Those of this stream; others of the addresses stay."""
        ...

    async def suppressed(self, project: str, addresses: Sequence[str], stream: str = ALL) -> list[Suppression]:
        """What is known of these addresses (any case) for all mail and for this stream, expired or not, by the order
        of address and stream; of erased ones, too, which are known by their `digest_of` alone."""
        ...

    async def list_suppressions(self, project: str, prefix: str, after: Listed, limit: int) -> Sequence[Suppression]:
        """Those whose address begins with `prefix` and that come behind an address and a stream, in this order; the
        addresses in lower case. Erased ones, whose address nobody knows, are left out."""
        ...

    async def counts(self) -> Counts: ...

    async def purge(self, bounds: Bounds, limit: int) -> int:
        """Deletes what is out of bounds, in steps of up to `limit` messages, keys or suppressions: messages (with
        deliveries, events and kept answers), keys, suppressions that have expired, and of other messages contents
        (`without_bodies`), addresses (`without_addresses`, with the answers that are kept for their keys) and events.
        Nothing of a message goes before all its deliveries are final. Returns how many keys and suppressions went, and
        parts of messages or whole ones; `limit` or more: there may be further ones."""
        ...

    async def erase(self, project: str, address: str, token: str, event: Event, limit: int) -> int:
        """Replaces an address by `token` in up to `limit` of the final messages that name it as a recipient
        (`without_address`), deletes the answers that are kept for their keys, and forgets the address of its
        suppressions, which hold as before. If there was anything to erase, `event` is written with it, its data told
        the number of `messages`. Returns that number; below `limit`: no other one is left but those not final."""
        ...

    async def referenced(self, names: Collection[str]) -> Collection[str]:
        """Those of these names (`Attachment.stored_as`) that a stored message still needs."""
        ...

    async def close(self) -> None: ...
