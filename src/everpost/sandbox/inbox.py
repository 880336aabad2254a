"""What the sandbox has caught, and the truth about it: how often each delivery was really taken."""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from itertools import count, islice
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
    lost: bool = False  # answered with success and dropped on purpose: no log and no recipient ever shows it


class Inbox:
    """The newest mails, in the order of their arrival. The ledger forgets nothing until `clear`."""

    def __init__(
        self, clock: Callable[[], float], kept_max: int = KEPT_MAX, kept_bytes_max: int = KEPT_BYTES_MAX
    ) -> None:
        self.taken: Counter[str] = Counter()  # by delivery id: mails that will arrive
        self.lost: Counter[str] = Counter()  # by delivery id: mails that were dropped on purpose
        self.on_caught: Callable[[Caught], None] = lambda _: None  # told of each new mail
        self._clock = clock
        self._kept_max = kept_max
        self._kept_bytes_max = kept_bytes_max
        self._kept: OrderedDict[str, Caught] = OrderedDict()
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
            lost=lose,
        )
        if parsed.delivery_id is not None:
            (self.lost if lose else self.taken)[parsed.delivery_id] += 1
        self._kept[caught.id] = caught
        for email in _recipients(caught):
            self._to[email][caught.id] = caught
        self._bytes += size_bytes(caught.draft)
        while len(self._kept) > self._kept_max or (self._bytes > self._kept_bytes_max and len(self._kept) > 1):
            self._drop_oldest()
        self.on_caught(caught)
        return caught

    def get(self, caught_id: str) -> Caught | None:
        return self._kept.get(caught_id)

    def find(self, delivery_id: str) -> list[Caught]:
        """All that are kept of a delivery, oldest first, the lost ones included."""
        return [caught for caught in self._kept.values() if caught.delivery_id == delivery_id]

    def clear(self) -> None:
        self._kept.clear()
        self._to.clear()
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

    def list(self, limit: int = KEPT_MAX) -> list[Caught]:
        """Newest first, without those that were lost."""
        return [*islice(self.newest(), limit)]

    def _drop_oldest(self) -> None:
        oldest = self._kept.popitem(last=False)[1]
        self._bytes -= size_bytes(oldest.draft)
        for email in _recipients(oldest):
            del self._to[email][oldest.id]
            if not self._to[email]:
                del self._to[email]


def _recipients(caught: Caught) -> set[str]:
    return {address.email for address in caught.draft.recipients}
