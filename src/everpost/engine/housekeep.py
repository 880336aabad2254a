"""What is kept, and for how long."""

import asyncio
import logging
from typing import Final

from msgspec import Struct

from everpost.engine.ports import Ports
from everpost.store.port import StoreUnavailable

EVERY_S: Final = 600.0
BATCH: Final = 500  # rows a transaction: small enough not to be felt by those who send
_log = logging.getLogger(__name__)


class Retention(Struct, frozen=True, kw_only=True):
    messages_s: float = 30 * 86_400.0  # after acceptance, once a message is final
    keys_s: float = 7 * 86_400.0  # idempotency keys


class Housekeeper:
    def __init__(self, ports: Ports, retention: Retention) -> None:
        self._ports = ports
        self._retention = retention

    async def run(self) -> None:
        while True:
            try:
                await self.purge()
            except StoreUnavailable as error:
                _log.warning("the purge waits for the store", extra={"error": str(error)})
            except Exception:
                _log.exception("the purge failed; it is tried again later")
            await asyncio.sleep(EVERY_S)

    async def purge(self) -> int:
        """Deletes what is past its time, batch by batch; returns how many rows went."""
        now = self._ports.clock.now()
        total = 0
        while True:
            before, keys_before = now - self._retention.messages_s, now - self._retention.keys_s
            gone = await self._ports.store.purge(before, keys_before, BATCH)
            total += gone
            if gone < BATCH:
                return total
            await asyncio.sleep(0)
