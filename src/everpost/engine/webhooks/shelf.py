"""Webhooks and their progress as documents of the store."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from everpost.model.event import Event, EventType
from everpost.model.webhook import Progress, Webhook
from everpost.store.port import Document, Store

WEBHOOK: Final = "webhook/"
PROGRESS: Final = "webhook-progress/"
LEASE: Final = "webhook/"  # of the one process that delivers it; as a document it is …
_LEASE_DOCUMENT: Final = "lease/" + LEASE


class Shelf:
    """All methods raise StoreUnavailable when the store does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[Webhook]:
        """Of all projects, the oldest first."""
        found = [_webhook(document) for document in (await self._store.read_config(WEBHOOK)).values()]
        return sorted(found, key=lambda webhook: (webhook.created_at, webhook.id))

    async def get(self, id_: str) -> tuple[Webhook, int] | None:
        """With its version."""
        document = await self._document(WEBHOOK + id_)
        return None if document is None else (_webhook(document), document.version)

    async def put(self, webhook: Webhook, was: int, events: Sequence[Event]) -> bool:
        """False: somebody else has changed it since."""
        written = await self._store.write_config(WEBHOOK + webhook.id, msgspec.json.encode(webhook), was, events)
        return written is not None

    async def remove(self, webhook: Webhook, was: int, events: Sequence[Event]) -> bool:
        """False: somebody else has changed it since. Its progress and its lease go with it; what a process that is
        delivering writes afterwards fails, since the version is gone."""
        if await self._store.write_config(WEBHOOK + webhook.id, None, was, events) is None:
            return False
        for folder in (PROGRESS, _LEASE_DOCUMENT):
            await self._store.write_config(folder + webhook.id, None, None)
        return True

    async def progress(self, id_: str) -> tuple[Progress, int] | None:
        """With its version; None: nobody has begun."""
        document = await self._document(PROGRESS + id_)
        if document is None:
            return None
        return msgspec.json.decode(document.value, type=Progress), document.version

    async def put_progress(self, id_: str, progress: Progress, was: int, events: Sequence[Event] = ()) -> int | None:
        """Its version; None: somebody else has written since."""
        written = await self._store.write_config(PROGRESS + id_, msgspec.json.encode(progress), was, events)
        return None if written is None else written.version

    async def _document(self, name: str) -> Document | None:
        return (await self._store.read_config(name)).get(name)


def told(type_: EventType, webhook: Webhook, version: int, at: float, **data: Any) -> Event:
    """The event of a change by which a document gets this version."""
    id_ = f"{type_}:{webhook.id}:{version}"
    return Event(id=id_, type=type_, at=at, project=webhook.project, data={"webhook": webhook.id, **data})


def _webhook(document: Document) -> Webhook:
    return msgspec.json.decode(document.value, type=Webhook)
