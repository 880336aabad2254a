import hashlib
import hmac
import json
from base64 import b64decode, b64encode

from everpost.model.ids import CORRELATION_KEY
from hook_senders import DELIVERY, hook_request, iso
from store_values import NOW

SECRET, OTHER_SECRET = (
    f"whsec_{b64encode(key).decode()}" for key in (b"resend-4711-resend-4711-", b"resend-0815-resend-0815-")
)


def event(type="email.delivered", **data):  # noqa: A002  as the field is called
    """`data`: what stands below the event."""
    about = {
        "email_id": "00000000-0000-4000-8000-000000004711",
        "to": ["bob@example.org"],
        "tags": {CORRELATION_KEY: DELIVERY},
    }
    return {"type": type, "created_at": iso(NOW + 0.5), "data": about | data}


def request(event, at=NOW, secret=SECRET, id_="msg_4711", prefix="svix"):
    body, stamp = json.dumps(event).encode(), str(int(at))
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id_}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signed = {"id": id_, "timestamp": stamp, "signature": f"v1,{b64encode(digest).decode()}"}
    return hook_request(body, {f"{prefix}-{name}": value for name, value in signed.items()}, at)
