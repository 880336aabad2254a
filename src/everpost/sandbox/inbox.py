"""What the sandbox has caught, and the truth about it: how often each delivery was really taken."""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import count, dropwhile, islice
from typing import Final

from msgspec import Struct

from everpost.dialects.contract import Parsed
from everpost.model.message import Draft, size_bytes

KEPT_MAX: Final = 10_000
KEPT_BYTES_MAX: Final = 256 * 1024 * 1024


class Caught(Struct, frozen=True, kw_only=True):
    id: str  # grows
    provider: str
    account: str  # whom the provider took for the sender: the end of the API key, the domain, the user name
    received_at: float
    delivery_id: str | None  # ours; None: somebody else's mail
    provider_message_id: str  # as answered, without angle brackets
    draft: Draft
    whole: bytes | None = None  # as it came, where it came whole
    lost: bool = False  # answered with success and dropped on purpose: no log and no recipient ever shows it


class Happened(Struct, frozen=True):
    """What has become of a mail for one recipient."""

    place: int  # in to, cc and bcc
    what: str
    at: float


class Inbox:
    """The newest mails, in the order of their arrival. The ledger forgets nothing until `clear`."""

    def __init__(
        self, clock: Callable[[], float], kept_max: int = KEPT_MAX, kept_bytes_max: int = KEPT_BYTES_MAX
    ) -> None:
        self.taken: Counter[str] = Counter()  # by delivery id: mails that will arrive
        self.lost: Counter[str] = Counter()  # by delivery id: mails that were dropped on purpose
        self.on_caught: list[Callable[[Caught], None]] = []  # are told of each new mail
        self.on_happened: list[Callable[[Caught, Sequence[Happened]], None]] = []  # and of what becomes of it
        self.listed: dict[
            str, Callable[[str], str | None]
        ] = {}  # by provider: for what it delivers nothing to somebody
        self._clock = clock
        self._kept_max = kept_max
        self._kept_bytes_max = kept_bytes_max
        self._kept: OrderedDict[str, Caught] = OrderedDict()
        self._happened: defaultdict[str, list[Happened]] = defaultdict(list)  # by mail
        self._to: defaultdict[str, dict[str, Caught]] = defaultdict(dict)  # by recipient, in the same order
        self._bytes = 0
        self._numbers = count(1)

    def add(self, provider: str, account: str, message_id: str, parsed: Parsed, *, lose: bool = False) -> Caught:
        caught = Caught(
            id=str(next(self._numbers)),
            provider=provider,
            account=account,
            received_at=self._clock(),
            delivery_id=parsed.delivery_id,
            provider_message_id=message_id,
            draft=parsed.draft,
            whole=parsed.whole,
            lost=lose,
        )
        if parsed.delivery_id is not None:
            (self.lost if lose else self.taken)[parsed.delivery_id] += 1
        self._kept[caught.id] = caught
        for email in _recipients(caught):
            self._to[email][caught.id] = caught
        self._bytes += _size(caught)
        while len(self._kept) > self._kept_max or (self._bytes > self._kept_bytes_max and len(self._kept) > 1):
            self._drop(next(iter(self._kept)))
        for listener in self.on_caught:
            listener(caught)
        return caught

    def tell(self, caught_id: str, happened: Sequence[Happened]) -> None:
        """What is told of a mail is listed as long as the mail is kept."""
        if caught_id in self._kept:
            self._happened[caught_id] += happened
            for listener in self.on_happened:
                listener(self._kept[caught_id], happened)

    def happened(self, caught_id: str) -> Sequence[Happened]:
        return self._happened.get(caught_id, ())

    def get(self, caught_id: str) -> Caught | None:
        return self._kept.get(caught_id)

    def find(self, delivery_id: str) -> list[Caught]:
        """All that are kept of a delivery, oldest first, the lost ones included."""
        return [caught for caught in self._kept.values() if caught.delivery_id == delivery_id]

    def remove(self, caught_id: str) -> bool:
        """Out of the list; the ledger goes on counting it. False: it is not there."""
        is_kept = caught_id in self._kept
        if is_kept:
            self._drop(caught_id)
        return is_kept

    def clear(self) -> None:
        self._kept.clear()
        self._to.clear()
        self._happened.clear()
        self.taken.clear()
        self.lost.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def newest(self, provider: str | None = None, recipient: str | None = None) -> Iterator[Caught]:
        """Newest first, without those that were lost; of one provider, to one address, or all."""
        among = self._kept if recipient is None else self._to.get(recipient, {})
        for caught in reversed(among.values()):
            if not caught.lost and provider in (None, caught.provider):
                yield caught

    def list(self, limit: int = KEPT_MAX, before: str | None = None) -> list[Caught]:
        """Newest first, without those that were lost; of those that came before this one, or all."""
        older = self.newest()
        if before is not None:
            older = dropwhile(lambda caught: int(caught.id) >= int(before), older)
        return [*islice(older, limit)]

    def _drop(self, caught_id: str) -> None:
        dropped = self._kept.pop(caught_id)
        self._happened.pop(caught_id, None)
        self._bytes -= _size(dropped)
        for email in _recipients(dropped):
            del self._to[email][dropped.id]
            if not self._to[email]:
                del self._to[email]


def _size(caught: Caught) -> int:
    return size_bytes(caught.draft) + len(caught.whole or b"")


def _recipients(caught: Caught) -> set[str]:
    return {address.email for address in caught.draft.recipients}
