"""What sandbox providers have in common: whom they let in, and what their records show by now."""

from collections.abc import Callable, Iterator, Mapping
from random import Random

from everpost.dialects.contract import Parsed
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Caught, Inbox


def number(query: Mapping[str, str], name: str, default: float) -> float:
    """A number that a query gives; what is none is as good as not given."""
    try:
        return float(query.get(name, default))
    except ValueError:
        return default


class Desk:
    """Of one provider."""

    def __init__(
        self, provider: str, inbox: Inbox, conduct: Conduct, clock: Callable[[], float], random: Random
    ) -> None:
        self.random = random
        self._provider = provider
        self._inbox = inbox
        self._conduct = conduct
        self._clock = clock

    def lets_in(self, key: str) -> bool:
        return key != "" and key not in self._conduct.rejected_keys

    def take(self, key: str, message_id: str, parsed: Parsed, *, lose: bool) -> Caught:
        return self._inbox.add(self._provider, key[-4:], message_id, parsed, lose=lose)

    def shown(self, recipient: str | None = None) -> Iterator[Caught]:
        """Of one recipient or of all, newest first."""
        before = self._clock() - self._conduct.lookup_lag_s
        return (caught for caught in self._inbox.newest(self._provider, recipient) if caught.received_at <= before)
