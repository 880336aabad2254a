"""What the sandbox providers tell of a mail, in their own forms and signed as they sign it.

An address says what becomes of mail to it, by its local part: `bounce@example.org`, `complain+7@example.com`. All
others get theirs.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from everpost.model.ids import CORRELATION_KEY
from everpost.sandbox.inbox import Caught

FATES: Final[Mapping[str, tuple[str, ...]]] = {
    "bounce": ("queued", "bounced"),
    "softbounce": ("queued", "refused"),
    "defer": ("queued", "deferred", "delivered"),
    "drop": ("rejected",),
    "complain": ("queued", "delivered", "complained"),
    "unsubscribe": ("queued", "delivered", "unsubscribed"),
    "open": ("queued", "delivered", "opened"),
}
USUAL: Final = ("queued", "delivered")
_HARD: Final = "5.1.1 no such user here"
_SOFT: Final = "5.7.1 refused for reasons of policy"
_LATER: Final = "4.7.1 greylisted, come again"


class Told(Struct, frozen=True, kw_only=True):
    """One event of one recipient."""

    caught: Caught
    place: int  # of the recipient in to, cc and bcc
    what: str
    at: float

    @property
    def recipient(self) -> str:
        return self.caught.draft.recipients[self.place].email

    @property
    def id(self) -> str:
        return f"{self.caught.id}-{self.place}-{self.what}"

    @property
    def variables(self) -> dict[str, str]:
        ours = {CORRELATION_KEY: self.caught.delivery_id} if self.caught.delivery_id else {}
        return self.caught.draft.metadata | ours


class Post(Struct, frozen=True):
    """A request that brings events."""

    body: bytes
    headers: dict[str, str]


class Teller(Protocol):
    """A provider that tells what becomes of mail."""

    secret: str
    """What whoever is told needs to know that it was this provider."""

    def posts(self, events: Sequence[Told], now: float) -> list[Post]: ...


def fate_of(email: str) -> tuple[str, ...]:
    return FATES.get(email.partition("@")[0].partition("+")[0].lower(), USUAL)


class SendGridTeller:
    """Many events in one request, signed by a key whose public part is the secret. Raises ImportError where the
    library for that is not installed."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.secret = b64encode(public).decode()
        self._sign: Callable[[bytes], bytes] = lambda signed: key.sign(signed, ec.ECDSA(SHA256()))

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:
        body, stamp = msgspec.json.encode([_sendgrid(event) for event in events]) + b"\r\n", str(int(now))
        prefix = "X-Twilio-Email-Event-Webhook-"
        signature = b64encode(self._sign(stamp.encode() + body)).decode()
        return [Post(body, {f"{prefix}Signature": signature, f"{prefix}Timestamp": stamp})]


class MailgunTeller:
    """One event in each request, with a token that is signed."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def posts(self, events: Sequence[Told], now: float) -> list[Post]:
        return [self._post(event, str(int(now))) for event in events]

    def _post(self, event: Told, stamp: str) -> Post:
        token = hashlib.sha256(event.id.encode()).hexdigest()[:50]
        signature = hmac.new(self.secret.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
        signed = {"timestamp": stamp, "token": token, "signature": signature}
        return Post(msgspec.json.encode({"signature": signed, "event-data": _mailgun(event)}), {})


_SENDGRID: Final[Mapping[str, Mapping[str, Any]]] = {
    "queued": {"event": "processed"},
    "deferred": {"event": "deferred", "response": f"451 {_LATER}", "attempt": "1"},
    "delivered": {"event": "delivered", "response": "250 2.0.0 OK"},
    "bounced": {
        "event": "bounce",
        "type": "bounce",
        "status": "5.1.1",
        "reason": f"550 {_HARD}",
        "bounce_classification": "Invalid Address",
    },
    "refused": {
        "event": "bounce",
        "type": "blocked",
        "status": "5.7.1",
        "reason": f"550 {_SOFT}",
        "bounce_classification": "Reputation",
    },
    "rejected": {"event": "dropped", "reason": "Bounced Address"},
    "complained": {"event": "spamreport"},
    "unsubscribed": {"event": "unsubscribe"},
    "opened": {"event": "open", "useragent": "Mozilla/5.0 (X11; Linux x86_64)", "sg_machine_open": False},
}
_MAILGUN: Final[Mapping[str, Mapping[str, Any]]] = {
    "queued": {"event": "accepted"},
    "deferred": {
        "event": "failed",
        "severity": "temporary",
        "delivery-status": {"code": 451, "enhanced-code": "4.7.1", "message": _LATER},
    },
    "delivered": {"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}},
    "bounced": {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": _HARD},
    },
    "refused": {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "delivery-status": {"code": 550, "enhanced-code": "5.7.1", "message": _SOFT},
    },
    "rejected": {"event": "rejected", "reject": {"reason": "on the list of bounced addresses"}},
    "complained": {"event": "complained"},
    "unsubscribed": {"event": "unsubscribed"},
    "opened": {"event": "opened", "client-info": {"user-agent": "Mozilla/5.0 (X11; Linux x86_64)"}},
}
WHATS: Final = frozenset(_SENDGRID)


def _sendgrid(told: Told) -> dict[str, Any]:
    about = {
        "email": told.recipient,
        "timestamp": int(told.at),
        "sg_event_id": f"sandbox-{told.id}",
        "sg_message_id": f"{told.caught.provider_message_id}.recvd-{told.place}",
    }
    return told.variables | about | dict(_SENDGRID[told.what])


def _mailgun(told: Told) -> dict[str, Any]:
    return {
        "id": f"sandbox-{told.id}",
        "timestamp": told.at,
        "recipient": told.recipient,
        "user-variables": told.variables,
        "message": {"headers": {"message-id": told.caught.provider_message_id, "to": told.recipient}},
        **_MAILGUN[told.what],
    }
