"""Signatures of Standard Webhooks, symmetric and of version 1 (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from everpost.model.webhook import SigningKey

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32  # the standard asks for 24 to 64
_ID_BYTES: Final = 16


def secret_of(key: bytes) -> str:
    return PREFIX + base64.b64encode(key).decode()


def webhook_id(project: str, event_id: str) -> str:
    """The id that an event is posted under, each time. No full stop may be in it: that parts what is signed."""
    digest = hashlib.sha256(f"{project}\n{event_id}".encode()).digest()[:_ID_BYTES]
    return "evt_" + base64.b32encode(digest).decode().rstrip("=").lower()


def headers(keys: Iterable[SigningKey], id_: str, now: float, body: bytes) -> dict[str, str]:
    """What is sent with a body: its id, the time, and a signature by every key that still signs."""
    timestamp = int(now)
    signatures = [_signature(key, id_, timestamp, body) for key in keys if key.until is None or now < key.until]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _signature(key: SigningKey, id_: str, timestamp: int, body: bytes) -> str:
    secret = base64.b64decode(key.secret.removeprefix(PREFIX), validate=True)
    digest = hmac.new(secret, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
