"""In which words a webhook is told of an event: the requests that tell it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from everpost.model.event import Event, EventType, Recorded
from everpost.model.message import Address, Message, Removed
from everpost.model.told import Told
from everpost.model.webhook import STANDARD, Webhook
from everpost.store.port import Store
from everpost.webhooks import signing
from everpost.webhooks.writing import Post, Sealing, Writers

UNTELLABLE: Final = "nobody has told which of the mail's recipients it is about"
FORGOTTEN: Final = "its mail is no longer kept"
NO_LIBRARY: Final = "nothing here can sign as {} does: install everpost[webhooks]"
_JSON: Final = msgspec.json.Encoder()
_TEST: Final = ("em_test", Address("sender@example.com"), Address("test@example.com"), "A test of this webhook")

Render = Callable[[Recorded], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Phrasing:
    render: Render  # an event as all sinks get it
    writers: Writers  # of the other formats
    store: Store  # they tell of mails what the trail does not know

    def tells(self, webhook: Webhook, event: Event) -> bool:
        """Whether the webhook's format has words for it."""
        writer = self.writers.get(webhook.format)
        return writer is None or event.type in writer.types

    def complaint(self, format_: str) -> str | None:
        """Why nothing can be told in this format; None: it can."""
        writer = self.writers.get(format_)
        lacks = writer is not None and writer.public_key is not None and not signing.signs_by_key_pair()
        return NO_LIBRARY.format(format_) if lacks else None

    async def posts(self, webhook: Webhook, recorded: Recorded, at: float) -> Sequence[Post] | str:
        """The requests, signed; or why there are none. Raises StoreUnavailable."""
        sealing = Sealing(keys=webhook.keys, at=at)
        if webhook.format == STANDARD:
            event = recorded.event
            id_ = signing.webhook_id(event.project, event.id)
            return [Post(id=id_, body=_JSON.encode(self.render(recorded)), headers={})]
        told = await self._told(recorded)
        if told is None:
            return FORGOTTEN
        try:
            return self.writers[webhook.format].posts(told, sealing) or UNTELLABLE
        except ImportError:
            return NO_LIBRARY.format(webhook.format)

    async def _told(self, recorded: Recorded) -> Told | None:
        event = recorded.event
        if event.type is EventType.WEBHOOK_TEST:
            return _sample(recorded)
        stored = await self.store.get_message(event.project, event.message_id or "")
        if stored is None or Removed.RECIPIENTS in stored.message.removed:
            return None
        left_out = {place for delivery in stored.deliveries for place in delivery.left_out}
        return Told(recorded.seq, event, stored.message, left_out)


def _sample(recorded: Recorded) -> Told:
    """No format has a word for a test: a mail that there has never been is told to be delivered."""
    id_, sender, recipient, subject = _TEST
    event = replace(recorded.event, type=EventType.RECIPIENT_DELIVERED, message_id=id_, data={"place": 0})
    project, at = event.project, event.at
    message = Message(id=id_, project=project, created_at=at, sender=sender, to=(recipient,), subject=subject)
    return Told(recorded.seq, event, message, ())
