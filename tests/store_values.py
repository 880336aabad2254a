"""Messages, deliveries and changes for the tests of stores."""

from msgspec.structs import replace

from everpost.model.change import Change, Charge
from everpost.model.delivery import FINAL, Delivery, DeliveryState
from everpost.model.event import Event, EventType
from everpost.model.ids import delivery_id, message_id
from everpost.model.message import Address, Attachment, Message
from everpost.store.port import Bounds, IdempotencyClaim

NOW = 1_800_000_000.0
LATE = 9e9  # a deadline that no test reaches


class Clock:
    """Wall-clock time that moves when told."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def set(self, now):
        self.now = now


def message(number=1, **fields):
    """The message accepted `number` seconds after NOW."""
    at = fields.pop("at", NOW + number)
    fields = {
        "id": message_id(at, number),
        "project": "shop",
        "created_at": at,
        "sender": Address("ann@example.com", "Ann"),
        "to": (Address("bob@example.org", "Bob"),),
        "subject": "Hello",
        "text": f"It works, {number}",
    } | fields
    return Message(**fields)


def bounds(messages, keys, **parts):
    return Bounds(messages=messages, keys=keys, salt=b"salt", **parts)


def attachment(name):
    """One that lies outside the store."""
    return Attachment(filename="a.pdf", content_type="application/pdf", content=b"", stored_as=name)


def delivery(of, position=0, **fields):
    fields = {
        "id": delivery_id(of.id, position),
        "message_id": of.id,
        "project": of.project,
        "due_at": of.created_at,
        "expires_at": of.created_at + 3600,
        "created_at": of.created_at,
        "updated_at": of.created_at,
    } | fields
    return Delivery(**fields)


def event(of, type_=EventType.ACCEPTED, **fields):
    """Of a delivery; its id says which version of it the event tells."""
    fields = {
        "id": f"{of.id}:{of.version}",
        "type": type_,
        "at": of.updated_at,
        "project": of.project,
        "message_id": of.message_id,
        "delivery_id": of.id,
        "account": of.account,
    } | fields
    return Event(**fields)


def system_event(id_, **fields):
    return Event(**({"id": id_, "type": EventType.ACCOUNT_OPENED, "at": NOW, "project": ""} | fields))


def change(of, state=DeliveryState.SENDING, type_=EventType.ATTEMPTED, charges=(), **fields):
    due_at = None if state in FINAL else of.due_at
    after = replace(of, **({"state": state, "due_at": due_at, "version": of.version + 1, "account": "one"} | fields))
    return Change(delivery=after, was=of.version, events=(event(after, type_),), charges=tuple(charges))


def charge(amount=1, amount_max=10, account="one", unit="day", window_at=NOW):
    return Charge(account=account, unit=unit, window_at=window_at, amount=amount, amount_max=amount_max)


def key(name="k", fingerprint=b"f", running_until=None, since=None):
    return IdempotencyClaim(
        scope="shop:send", key=name, fingerprint=fingerprint, running_until=running_until, since=since
    )


async def begun(store, of, claim=None, charges=(), not_after=LATE):
    """Hands in a message with its first attempt; returns what the store says."""
    one = delivery(of)
    first = change(one, charges=charges)
    return await store.accept(of, (first.delivery,), (event(one), *first.events), claim, not_after, first.charges)


async def accept(store, of=None, claim=None, not_after=LATE, deliveries=None):
    """Accepts a message as one delivery, unless told otherwise; returns its deliveries."""
    of = of or message()
    deliveries = deliveries or (delivery(of),)
    result = await store.accept(of, deliveries, [event(one) for one in deliveries], claim, not_after)
    assert type(result).__name__ == "New"
    return deliveries
