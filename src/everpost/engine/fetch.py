"""What is due is made whole: attachments that lie outside the store are fetched. No mail is sent without them."""

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from everpost.attachments.port import AttachmentsUnavailable
from everpost.core import transitions
from everpost.core.decide import Fail, Wait
from everpost.engine.attach import Attached, Damaged
from everpost.engine.ports import Ports
from everpost.model.change import Change
from everpost.model.delivery import DeliveryState
from everpost.model.message import Message, stored_names
from everpost.store.port import Claimed

AGAIN_S: Final = 30.0  # until what could not be read is looked at again


class Fetcher:
    def __init__(self, ports: Ports) -> None:
        self._attached = Attached(ports)
        self._clock = ports.clock

    async def of(self, batch: Sequence[Claimed]) -> tuple[list[Claimed], list[tuple[Message, Change]]]:
        """What can be looked at, and what becomes of the rest: it waits, or it fails where its attachment is no longer
        what it was."""
        if not any(stored_names(claimed.message) for claimed in batch):
            return list(batch), []
        readings = await asyncio.gather(*map(self._read, batch))
        whole = [one for one in readings if isinstance(one, Claimed)]
        changes = [
            (claimed.message, one) for claimed, one in zip(batch, readings, strict=True) if isinstance(one, Change)
        ]
        return whole, changes

    async def _read(self, claimed: Claimed) -> Claimed | Change:
        delivery, now = claimed.delivery, self._clock.now()
        is_sought = delivery.state is DeliveryState.QUEUED and now < delivery.expires_at
        if not is_sought or not stored_names(claimed.message):
            return claimed
        try:
            return replace(claimed, message=await self._attached.whole(claimed.message))
        except AttachmentsUnavailable as error:
            wait = Wait(until=now + AGAIN_S, reason=str(error), skipped=(), round_over=False)
            return transitions.postpone(delivery, wait, now)
        except Damaged as error:
            return transitions.fail(delivery, Fail(reason=f"{error}: hand the mail in again", skipped=()), now)
