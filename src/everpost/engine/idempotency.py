"""A claim that a request is made once, however often it comes."""

from math import inf, nextafter

from msgspec import Struct

from everpost.store.port import IdempotencyClaim


class Idempotency(Struct, frozen=True):
    scope: str  # project and operation
    key: str
    fingerprint: bytes  # of the request's body
    lasts_s: float | None = None  # after so long another request may have the key; None: as long as it is kept
    after: float | None = None  # the key is given up by a message that was created then or before; None: by none

    def since(self, now: float) -> float | None:
        """A message that was created before is none of this key's."""
        bounds = [] if self.lasts_s is None else [now - self.lasts_s]
        bounds += [] if self.after is None else [nextafter(self.after, inf)]
        return max(bounds, default=None)

    def claim(self, now: float, running_until: float | None) -> IdempotencyClaim:
        """As the store takes it, for a message that is created now."""
        return IdempotencyClaim(
            scope=self.scope,
            key=self.key,
            fingerprint=self.fingerprint,
            running_until=running_until,
            since=self.since(now),
        )
