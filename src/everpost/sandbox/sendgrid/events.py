"""SendGrid's events: many in one request, signed by a key whose public part is the secret."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from everpost.sandbox.events import BROWSER, HARD, LATER, SOFT, Post, Told

PREFIX: Final = "X-Twilio-Email-Event-Webhook-"


class SendGridTeller:
    """Raises ImportError where the library for its signatures is not installed."""

    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "queued": {"event": "processed"},
        "deferred": {"event": "deferred", "response": f"451 {LATER}", "attempt": "1"},
        "delivered": {"event": "delivered", "response": "250 2.0.0 OK"},
        "bounced": {
            "event": "bounce",
            "type": "bounce",
            "status": "5.1.1",
            "reason": f"550 {HARD}",
            "bounce_classification": "Invalid Address",
        },
        "refused": {
            "event": "bounce",
            "type": "blocked",
            "status": "5.7.1",
            "reason": f"550 {SOFT}",
            "bounce_classification": "Reputation",
        },
        "rejected": {"event": "dropped", "reason": "Bounced Address"},
        "barred_bounce": {"event": "dropped", "reason": "Bounced Address"},
        "barred_complaint": {"event": "dropped", "reason": "Spam Reporting Address"},
        "barred_unsubscribe": {"event": "dropped", "reason": "Unsubscribed Address"},
        "barred_invalid": {"event": "dropped", "reason": "Invalid"},
        "complained": {"event": "spamreport"},
        "unsubscribed": {"event": "unsubscribe"},
        "opened": {"event": "open", "useragent": BROWSER, "sg_machine_open": False},
    }

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.secret = b64encode(public).decode()
        self._sign: Callable[[bytes], bytes] = lambda signed: key.sign(signed, ec.ECDSA(SHA256()))

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:
        told = [event.variables | event_of(event) for event in events]
        body, stamp = msgspec.json.encode(told) + b"\r\n", str(int(now))
        signature = b64encode(self._sign(stamp.encode() + body)).decode()
        return [Post(body, {f"{PREFIX}Signature": signature, f"{PREFIX}Timestamp": stamp})]


def event_of(told: Told) -> dict[str, Any]:
    """Without what it was given with the mail."""
    return {
        "email": told.recipient,
        "timestamp": int(told.at),
        "sg_event_id": f"sandbox-{told.id}",
        "sg_message_id": f"{told.caught.provider_message_id}.recvd-{told.place}",
        **SendGridTeller.native[told.what],
    }
