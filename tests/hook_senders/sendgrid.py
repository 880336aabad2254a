import json
from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from everpost.model.ids import CORRELATION_KEY
from hook_senders import DELIVERY, hook_request
from store_values import NOW


def _public(key):
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


KEY = ec.generate_private_key(ec.SECP256R1())
SECRET, OTHER_SECRET = _public(KEY), _public(ec.generate_private_key(ec.SECP256R1()))


def event(event="delivered", **fields):
    return {
        "email": "bob@example.org",
        "timestamp": int(NOW),
        "event": event,
        "sg_event_id": f"sg-{event}",
        "sg_message_id": "abcdef.recvd-1",
        CORRELATION_KEY: DELIVERY,
    } | fields


def batch(body, at=NOW):
    """`body`: bytes as they are, or events."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode() + b"\r\n"
    stamp = str(int(at))
    headers = {
        "x-twilio-email-event-webhook-timestamp": stamp,
        "x-twilio-email-event-webhook-signature": b64encode(
            KEY.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
        ).decode(),
    }
    return hook_request(body, headers, at)


def request(event, at=NOW):
    return batch([event], at)
