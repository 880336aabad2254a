"""What is kept of an idempotency key, and what that means for another request: the same in every store."""

from math import inf
from typing import Final, Self

from msgspec import Struct

from everpost.store.port import Conflict, IdempotencyClaim, Same


class KeyUse(Struct, frozen=True):
    fingerprint: bytes
    message_id: str
    running_until: float | None
    answer: bytes | None
    created_at: float  # of the message

    @classmethod
    def of(cls, claim: IdempotencyClaim, message_id: str) -> Self:
        """Of a claim that is being stored: of what is stored at once, nothing is older than another."""
        return cls(claim.fingerprint, message_id, claim.running_until, None, inf)

    def means(self, fingerprint: bytes, since: float | None) -> Same | Conflict | None:
        """None: the key is given up."""
        if since is not None and self.created_at < since:
            return None
        if self.fingerprint != fingerprint:
            return Conflict(self.message_id)
        return Same(message_id=self.message_id, running_until=self.running_until, answer=self.answer)


COLUMNS: Final = ", ".join(KeyUse.__struct_fields__)
"""As tables have them."""


def known(claim: IdempotencyClaim | None, use: KeyUse | None) -> Same | Conflict | None:
    """What an earlier use of its key means for a claim, if there are both."""
    return None if claim is None or use is None else use.means(claim.fingerprint, claim.since)
