"""API keys as the administrators of a project manage them over the API: its own, and none stronger than theirs."""

from collections.abc import Callable, Sequence
from typing import Final

from everpost.engine.keys import Keyring
from everpost.model.key import ApiKey, Caller, Scope
from everpost.model.limits import KEYS_MAX
from everpost.model.problem import FieldError, Problem

DAY_S: Final = 86_400.0


class KeyDesk:
    """All methods raise StoreUnavailable when the store does."""

    def __init__(self, keyring: Keyring, clock: Callable[[], float]) -> None:
        self._keyring = keyring
        self._clock = clock

    async def keys(self, caller: Caller) -> Sequence[tuple[ApiKey, float | None]]:
        """Revoked ones included, the oldest first; each with when it was last used."""
        return await self._keyring.list_uses(caller.project)

    def is_good(self, key: ApiKey) -> bool:
        """Neither revoked nor at its end."""
        return self._keyring.is_good(key)

    async def create(
        self, caller: Caller, scope: Scope, name: str, lasts_s: float | None
    ) -> tuple[ApiKey, str] | Problem:
        """A new key with its token. It may do no more than the caller, and for no longer."""
        good = [key for key, _ in await self.keys(caller) if self.is_good(key)]
        if errors := self._faults(caller, next((key for key in good if key.id == caller.who), None), scope, lasts_s):
            return Problem(code="validation_failed", status=422, title="The key has faulty fields", errors=errors)
        if len(good) >= KEYS_MAX:
            detail = f"{KEYS_MAX} keys of this project hold, which is the most; revoke one first"
            return Problem(code="too_many_keys", status=409, title="There are too many keys", detail=detail)
        return await self._keyring.create(caller.project, scope, name, lasts_s, caller.who)

    async def revoke(self, caller: Caller, key_id: str) -> ApiKey | Problem:
        """From now on here, and within a second in all other processes."""
        revoked = await self._keyring.revoke(key_id, caller.project, caller.who)
        if revoked is None:
            detail = f"there is no key {key_id!r} in this project"
            return Problem(code="not_found", status=404, title="There is no such key", detail=detail)
        return revoked

    def _faults(
        self, caller: Caller, own: ApiKey | None, scope: Scope, lasts_s: float | None
    ) -> tuple[FieldError, ...]:
        """`own`: the caller's key; None: there is none, where none is needed."""
        errors = []
        if not caller.may(scope):
            errors.append(FieldError("scope", f"your key may {caller.scope}, and makes none that may {scope}"))
        if own is not None and own.expires_at is not None:
            left_s = own.expires_at - self._clock()
            if lasts_s is None or lasts_s > left_s:
                days = f"{left_s / DAY_S:.2f}"
                errors.append(FieldError("days", f"your key ends in {days} days, and makes none that lasts longer"))
        return tuple(errors)
