"""Accounts whose settings name secrets, with the values that those have now."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from everpost.model.account import Account
from everpost.model.secret import Reference, Secret, Source
from everpost.vault.port import SecretUnavailable, Vault

FRESH_S: Final = 300.0  # a value is read again when it is older
AGAIN_S: Final = 5.0  # or when an account was refused, but not more often than this
FAILED_S: Final = 30.0  # and what could not be read is not asked for again for so long: each time, mail waits
_log = logging.getLogger(__name__)


class _Read(Struct, frozen=True):
    text: str
    at: float

    def __repr__(self) -> str:
        return f"_Read(at={self.at})"


class Keeper:
    """Reads each source once for all accounts that name it. `clock` is wall-clock time: the other may halt with a
    frozen function."""

    def __init__(self, accounts: Sequence[Account], vault: Vault, clock: Callable[[], float] = time.time) -> None:
        self._named = {account.name: account for account in accounts}
        self._vault = vault
        self._clock = clock
        self._read: dict[Source, _Read] = {}
        self._failed_at: dict[Source, float] = {}
        self._given: dict[str, Account] = {}

    async def accounts(self) -> tuple[Account, ...]:
        """All of them, in their order. Raises SecretUnavailable, which names every fault."""
        faults = await self._refresh(self._old(self._named.values(), FRESH_S))
        resolved = [self._resolved(account, faults) for account in self._named.values()]
        if faults:
            raise SecretUnavailable("; ".join(faults))
        self._given = {account.name: account for account in resolved}
        return tuple(resolved)

    async def renewed(self, at_fault: Collection[str] = ()) -> list[Account]:
        """Those whose secrets have changed since they were given out; `at_fault` names accounts whose provider refuses
        them. A secret that can't be read stays as it was."""
        old = {*self._old(self._named.values(), FRESH_S)}
        old |= {*self._old((self._named[name] for name in at_fault if name in self._named), AGAIN_S)}
        faults = await self._refresh(old)
        changed = []
        for name, account in self._named.items():
            resolved = self._resolved(account, faults)
            if resolved != self._given.get(name):
                self._given[name] = resolved
                changed.append(resolved)
                _log.info("an account's secrets have changed", extra={"account": name})
        for fault in faults:
            _log.warning("a secret stays as it was", extra={"error": fault})
        return changed

    def _old(self, accounts: Iterable[Account], age_s: float) -> Iterable[Source]:
        sources = {value.source for account in accounts for value in _references(account).values()}
        return (source for source in sources if self._is_old(source, self._clock(), age_s))

    def _is_old(self, source: Source, now: float, age_s: float) -> bool:
        """A clock that was set back makes nothing new."""
        read, failed_at = self._read.get(source), self._failed_at.get(source)
        if failed_at is not None and 0 <= now - failed_at < FAILED_S:
            return False
        return read is None or not 0 <= now - read.at < age_s

    async def _refresh(self, sources: Iterable[Source]) -> list[str]:
        """Returns the faults."""
        wanted = list(sources)
        answers = await asyncio.gather(*(self._vault.read(source) for source in wanted), return_exceptions=True)
        faults = []
        for source, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, str):
                self._read[source] = _Read(answer, self._clock())
            elif isinstance(answer, SecretUnavailable):
                self._failed_at[source] = self._clock()
                faults.append(str(answer))
            else:
                raise answer
        return faults

    def _resolved(self, account: Account, faults: list[str]) -> Account:
        """With values in place of references; what can't be had is as it was given out last."""
        before = self._given.get(account.name, account)
        settings = dict(account.settings)
        for name, reference in _references(account).items():
            value = self._value(reference, faults)
            settings[name] = before.settings[name] if value is None else Secret(value)
        return replace(account, settings=settings)

    def _value(self, reference: Reference, faults: list[str]) -> str | None:
        read = self._read.get(reference.source)
        if read is None:
            return None
        try:
            return part_of(read.text, reference)
        except SecretUnavailable as error:
            faults.append(str(error))
            return None


def part_of(text: str, reference: Reference) -> str:
    """What the reference names of the text that its source holds. Raises SecretUnavailable."""
    if reference.key is None:
        return text
    try:
        found = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        found = None
    value = found.get(reference.key) if isinstance(found, dict) else None
    if not isinstance(value, str) or not value:
        words = f"the secret has to be a JSON object with a text {reference.key!r}"
        raise SecretUnavailable(f"{reference} is not there: {words}")
    return value


def _references(account: Account) -> dict[str, Reference]:
    return {name: value for name, value in account.settings.items() if isinstance(value, Reference)}
