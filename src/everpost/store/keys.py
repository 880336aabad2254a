"""Idempotency keys, in memory."""

from collections.abc import Collection
from itertools import islice

from msgspec import Struct

from everpost.store.port import Conflict, IdempotencyClaim, Same


class _Held(Struct):
    claim: IdempotencyClaim
    message_id: str
    created_at: float
    answer: bytes | None = None


class Keys:
    def __init__(self) -> None:
        self._held: dict[tuple[str, str], _Held] = {}  # in the order in which they came

    def find(self, scope: str, key: str, fingerprint: bytes, since: float | None) -> Same | Conflict | None:
        held = self._held.get((scope, key))
        if held is None or (since is not None and held.created_at < since):
            return None
        if held.claim.fingerprint != fingerprint:
            return Conflict(held.message_id)
        return Same(message_id=held.message_id, running_until=held.claim.running_until, answer=held.answer)

    def taken(self, claim: IdempotencyClaim | None) -> Same | Conflict | None:
        return None if claim is None else self.find(claim.scope, claim.key, claim.fingerprint, claim.since)

    def take(self, claim: IdempotencyClaim, message_id: str, at: float) -> None:
        self._held.pop((claim.scope, claim.key), None)
        self._held[claim.scope, claim.key] = _Held(claim, message_id, at)

    def is_of(self, scope: str, key: str, message_id: str) -> bool:
        held = self._held.get((scope, key))
        return held is not None and held.message_id == message_id

    def answer(self, scope: str, key: str, answer: bytes) -> None:
        held = self._held.get((scope, key))
        if held is not None:
            held.answer = answer

    def forget_answers(self, message_ids: Collection[str]) -> None:
        for held in self._held.values():
            if held.message_id in message_ids:
                held.answer = None

    def purge(self, before: float, limit: int) -> int:
        old = [key for key, held in islice(self._held.items(), limit) if held.created_at < before]
        for key in old:
            del self._held[key]
        return len(old)
