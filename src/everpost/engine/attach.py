"""Large attachments lie outside the store: put there before their mail is stored, read back before it is handed over.

A name is made of the day on which a mail was accepted, and of a digest of its project and the content. What was put
twice on one day lies there once, and nobody learns what another project has. What no stored mail needs is deleted, but
only of days that are long over: no accept that runs now can be about to need it.
"""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from everpost.attachments.port import AttachmentsUnavailable
from everpost.engine.ports import Ports
from everpost.model.limits import ATTACHMENT_IN_STORE_BYTES_MAX
from everpost.model.message import Attachment, Message

PUT_S: Final = 3.5  # for all attachments of a mail, within the time of an accept
DAYS_OPEN: Final = 2  # yesterday's and today's: clocks differ, and an accept takes its time
NAMES_MAX: Final = 100  # that the store is asked about at once
TOGETHER: Final = 8  # attachments that are read side by side
_DAY_S: Final = 86_400.0


class Damaged(Exception):
    """What lies there is not what was put there."""


class Attached:
    def __init__(self, ports: Ports) -> None:
        self._place = ports.attachments
        self._store = ports.store
        self._clock = ports.clock
        self._aside = ports.aside
        self._together = asyncio.Semaphore(TOGETHER)

    async def lay_out(self, message: Message) -> Message:
        """The message as it is to be stored: what is large lies elsewhere, durable, when this returns. Raises
        AttachmentsUnavailable."""
        place = self._place
        large = [each for each in message.attachments if len(each.content) > ATTACHMENT_IN_STORE_BYTES_MAX]
        if place is None or not large:
            return message
        day = _day(message.created_at)
        size = sum(len(each.content) for each in large)
        names = await self._aside.run(
            size, lambda: {id(each): f"{day}/{_digest(message.project, each.content)}" for each in large}
        )
        contents = {names[id(each)]: each.content for each in large}
        try:
            async with asyncio.timeout(PUT_S):
                await asyncio.gather(*(place.put(name, content) for name, content in contents.items()))
        except TimeoutError as error:
            raise AttachmentsUnavailable("the place of attachments is too slow") from error
        kept = tuple(
            replace(each, content=b"", stored_as=names[id(each)]) if id(each) in names else each
            for each in message.attachments
        )
        return replace(message, attachments=kept)

    async def whole(self, message: Message) -> Message:
        """The message with all contents. Raises AttachmentsUnavailable if one can't be read now, and Damaged."""
        if not any(_is_elsewhere(each) for each in message.attachments):
            return message
        fetched = await asyncio.gather(
            *(self._fetch(message.project, each, number) for number, each in enumerate(message.attachments, 1))
        )
        return replace(message, attachments=tuple(fetched))

    async def sweep(self) -> int:
        """Deletes what no stored mail needs; returns how much."""
        place = self._place
        if place is None:
            return 0
        total = 0
        async for names in place.before(_day(self._clock.now() - (DAYS_OPEN - 1) * _DAY_S)):
            for start in range(0, len(names), NAMES_MAX):
                some = names[start : start + NAMES_MAX]
                needed = await self._store.referenced(some)
                idle = [name for name in some if name not in needed]
                await place.delete(idle)
                total += len(idle)
        return total

    async def _fetch(self, project: str, attachment: Attachment, number: int) -> Attachment:
        name = attachment.stored_as
        if name is None or not _is_elsewhere(attachment):
            return attachment
        if self._place is None:
            raise AttachmentsUnavailable(f"attachment {number} lies outside the store, and no place is configured")
        async with self._together:
            content = await self._place.get(name)
        if content is None:
            raise AttachmentsUnavailable(f"attachment {number} is not where it was put: {name}")
        digest = await self._aside.run(len(content), lambda: _digest(project, content))
        if digest != name.rpartition("/")[2]:
            raise Damaged(f"attachment {number} is damaged where it lies: {name}")
        return replace(attachment, content=content)


def _is_elsewhere(attachment: Attachment) -> bool:
    return attachment.stored_as is not None and not attachment.content


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _digest(project: str, content: bytes) -> str:
    digest = hashlib.sha256(f"{len(project)}:{project}#".encode())
    digest.update(content)
    return digest.hexdigest()
