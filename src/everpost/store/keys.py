"""Idempotency keys, in memory."""

from collections.abc import Collection
from itertools import islice

from msgspec.structs import replace

from everpost.store.port import Conflict, IdempotencyClaim, Same
from everpost.store.uses import KeyUse, known


class Keys:
    def __init__(self) -> None:
        self._uses: dict[tuple[str, str], KeyUse] = {}  # in the order in which they came

    def find(self, scope: str, key: str, fingerprint: bytes, since: float | None) -> Same | Conflict | None:
        use = self._uses.get((scope, key))
        return None if use is None else use.means(fingerprint, since)

    def taken(self, claim: IdempotencyClaim | None) -> Same | Conflict | None:
        return known(claim, None if claim is None else self._uses.get((claim.scope, claim.key)))

    def take(self, claim: IdempotencyClaim, message_id: str, at: float) -> None:
        self._uses.pop((claim.scope, claim.key), None)
        self._uses[claim.scope, claim.key] = replace(KeyUse.of(claim, message_id), created_at=at)

    def is_of(self, scope: str, key: str, message_id: str) -> bool:
        use = self._uses.get((scope, key))
        return use is not None and use.message_id == message_id

    def answer(self, scope: str, key: str, answer: bytes) -> None:
        use = self._uses.get((scope, key))
        if use is not None:
            self._uses[scope, key] = replace(use, answer=answer)

    def forget_answers(self, message_ids: Collection[str]) -> None:
        for name, use in self._uses.items():
            if use.message_id in message_ids:
                self._uses[name] = replace(use, answer=None)

    def purge(self, before: float, limit: int) -> int:
        old = [name for name, use in islice(self._uses.items(), limit) if use.created_at < before]
        for name in old:
            del self._uses[name]
        return len(old)
