"""Events as providers send them, signed as they sign them."""

import hashlib
import hmac
import json
from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY, message_id
from everpost.providers.hooks import HookRequest
from store_values import NOW

DELIVERY = f"{message_id(NOW, 1)}.0"
_KEY = ec.generate_private_key(ec.SECP256R1())
_OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def _public(key):
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


SECRETS = {"sendgrid": _public(_KEY), "mailgun": "mailgun-signing-key-4711"}
OTHER_SECRETS = {"sendgrid": _public(_OTHER_KEY), "mailgun": "mailgun-signing-key-0815"}


def account(provider, **settings):
    settings = {"api_key": "key-1", "domain": "mg.example.com", "webhook_secret": SECRETS[provider]} | settings
    return Account(name=f"{provider}-1", provider=provider, settings=settings)


def sendgrid_event(event="delivered", **fields):
    return {
        "email": "bob@example.org",
        "timestamp": int(NOW),
        "event": event,
        "sg_event_id": f"sg-{event}",
        "sg_message_id": "abcdef.recvd-1",
        CORRELATION_KEY: DELIVERY,
    } | fields


def mailgun_event(event="delivered", **fields):
    return {
        "event": event,
        "id": f"mg-{event}",
        "timestamp": NOW + 0.5,
        "recipient": "bob@example.org",
        "user-variables": {CORRELATION_KEY: DELIVERY},
        "message": {"headers": {"message-id": "4711@mg.example.com", "to": "bob@example.org"}},
    } | fields


def sendgrid_request(body, at=NOW, key=_KEY):
    """`body`: bytes as they are, or events."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode() + b"\r\n"
    stamp = str(int(at))
    headers = {
        "x-twilio-email-event-webhook-timestamp": stamp,
        "x-twilio-email-event-webhook-signature": b64encode(
            key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
        ).decode(),
    }
    return request(body, headers, at)


def mailgun_request(event, at=NOW, key=SECRETS["mailgun"], token="a" * 50, **more):
    stamp = str(int(at))
    signature = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    signed = {"timestamp": stamp, "token": token, "signature": signature} | more
    return request(json.dumps({"signature": signed, "event-data": event}).encode(), {}, at)


def request(body, headers, at=NOW):
    return HookRequest(method="POST", url="/hooks/a", headers=headers, body=body, received_at=at)


EVENTS = {"sendgrid": sendgrid_event, "mailgun": mailgun_event}
REQUESTS = {
    "sendgrid": lambda event, **how: sendgrid_request([event], **how),
    "mailgun": mailgun_request,
}
