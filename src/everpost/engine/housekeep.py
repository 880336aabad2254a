"""What is kept, and for how long."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from everpost.attachments.port import AttachmentsUnavailable
from everpost.engine.attach import Attached
from everpost.engine.ports import Ports
from everpost.store.port import Bounds, StoreUnavailable

EVERY_S: Final = 600.0
SWEEP_EVERY_S: Final = 6 * 3600.0  # attachments outside the store are looked through
BATCH: Final = 25  # messages or keys of a step: small enough not to be felt by those who send
REST: Final = 4.0  # times as long as a step has taken, until the next one
SALT: Final = "retention/salt"  # the document with what makes tokens of addresses
_SALT_PARTS: Final = 4  # of 80 bits
_log = logging.getLogger(__name__)


class Retention(Struct, frozen=True, kw_only=True):
    """Counted from acceptance; nothing goes of a message that is not final. None: as long as the message. Suppressions
    go as soon as they have expired."""

    messages_s: float = 30 * 86_400.0
    keys_s: float = 7 * 86_400.0  # idempotency keys
    bodies_s: float | None = None
    addresses_s: float | None = None
    events_s: float | None = None

    @property
    def longest_s(self) -> Mapping[str, float]:
        """Of what lies by itself."""
        events_s = self.messages_s if self.events_s is None else self.events_s
        return {"messages_s": self.messages_s, "keys_s": self.keys_s, "events_s": events_s}

    def bounds(self, now: float, salt: bytes) -> Bounds:
        return Bounds(
            messages=now - self.messages_s,
            keys=now - self.keys_s,
            bodies=_before(now, self.bodies_s),
            addresses=_before(now, self.addresses_s),
            events=_before(now, self.events_s),
            suppressions=now,
            salt=salt,
        )


class Housekeeper:
    def __init__(self, ports: Ports, retention: Retention) -> None:
        self._ports = ports
        self._retention = retention
        self._attached = Attached(ports)
        self._swept_at: float | None = None  # monotonic

    async def run(self) -> None:
        while True:
            try:
                await self.tidy()
            except (StoreUnavailable, AttachmentsUnavailable) as error:
                _log.warning("the purge waits for what it can't reach", extra={"error": str(error)})
            except Exception:
                _log.exception("the purge failed; it is tried again later")
            await asyncio.sleep(EVERY_S)

    async def tidy(self) -> int:
        """All that is to be done from time to time; returns how many rows went."""
        gone = await self.purge()
        now = self._ports.clock.monotonic()
        if self._swept_at is None or now - self._swept_at >= SWEEP_EVERY_S:
            self._swept_at = now
            await self._attached.sweep()
        return gone

    async def purge(self) -> int:
        """Deletes what is past its time, step by step; returns how many rows went."""
        clock = self._ports.clock
        salt = b"" if self._retention.addresses_s is None else await salt_of(self._ports)
        bounds = self._retention.bounds(clock.now(), salt)
        total = 0
        while True:
            began_at = clock.monotonic()
            gone = await self._ports.store.purge(bounds, BATCH)
            total += gone
            if gone < BATCH:
                return total
            await asyncio.sleep(REST * (clock.monotonic() - began_at))


async def salt_of(ports: Ports) -> bytes:
    """Of the tokens that stand for addresses: made once for a store, by whoever needs it first."""
    known = await ports.store.read_config(SALT)
    if SALT not in known:
        made = b"".join(ports.clock.entropy().to_bytes(10) for _ in range(_SALT_PARTS))
        await ports.store.write_config(SALT, made, 0)
        known = await ports.store.read_config(SALT)
    return known[SALT].value


def _before(now: float, kept_s: float | None) -> float | None:
    return None if kept_s is None else now - kept_s
