"""Mailgun's webhooks: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks

One event in each request, as the door's list has it. Signed are a time stamp and a token, by the secret as it is shown.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from everpost.dialects.dropins.mailgun_events import KINDS, entry_of
from everpost.model.event import EventType
from everpost.model.told import Told
from everpost.webhooks import signing
from everpost.webhooks.writing import Post, Sealing, Writer

TOKEN_CHARS: Final = 50


def posts(told: Told, sealing: Sealing) -> Sequence[Post]:
    return [_post(told, place, sealing) for place in told.places]


def _post(told: Told, place: int, sealing: Sealing) -> Post:
    event = entry_of(told, place)
    if told.event.type is EventType.RECIPIENT_BOUNCED:
        event["flags"] |= {"is-delayed-bounce": told.event.data.get("late", False)}
    id_ = signing.webhook_id(told.event.project, event["id"])
    body = msgspec.json.encode({"signature": _signature(id_, sealing), "event-data": event})
    return Post(id=id_, body=body, headers={})


def _signature(id_: str, sealing: Sealing) -> dict[str, Any]:
    """A token is good for one body, and so for one attempt."""
    stamp = str(int(sealing.at))
    token = hashlib.sha256(f"{id_}:{stamp}".encode()).hexdigest()[:TOKEN_CHARS]
    signature = hmac.new(sealing.secret.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    return {"timestamp": stamp, "token": token, "signature": signature}


WRITER: Final = Writer(types=frozenset(KINDS), posts=posts)
