"""What the engine needs of shared provider health."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from everpost.model.account import AccountHealth

BUCKET_S: Final = 10.0  # width of a bucket of counters
WINDOW_S: Final = 300.0  # how far back buckets are kept


class HealthUnavailable(Exception):
    """Nothing can be shared now. Each worker goes by what it knows itself; sending does not stop for it."""


class Sign(StrEnum):
    OK = "ok"  # the account answered as a working account does
    FAILED = "failed"  # it did not answer, or not to be trusted
    FAULT = "fault"  # it refused for a fault of its own: counts as a failure, and opens the circuit at once
    BLOCKED = "blocked"  # it asked to be left alone until `until`
    SHOWN = "shown"  # its records show a mail that it had accepted; `at` is then
    MISSING = "missing"  # they do not, and should by now
    ABSENT = "absent"  # they do not, after twice the longest time that they may take
    PROMPT = "prompt"  # of a mail that it had accepted at `at`, it has told in time that it was delivered
    LATE = "late"  # it has told something else
    SILENT = "silent"  # it has told nothing


class Report(Struct, frozen=True, kw_only=True):
    """One observation."""

    account: str
    sign: Sign
    at: float
    text: str = ""  # the error in words
    until: float | None = None
    count: int = 1  # of good answers, `at` being the last one's
    mail: str = ""  # the delivery that was looked for in the records …
    after_s: float = 0.0  # … so long after it was accepted


class Health(Protocol):
    async def record(self, reports: Sequence[Report]) -> None: ...

    async def board(self) -> Mapping[str, AccountHealth]:
        """Every account that was ever reported on."""
        ...

    async def lease(self, account: str, now: float, until: float) -> bool:
        """Takes the one probe of a half-open circuit; False while somebody holds it. Any report of an attempt ends the
        lease."""
        ...

    async def close(self) -> None: ...
