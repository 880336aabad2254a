import hashlib
import hmac
import json

from everpost.model.ids import CORRELATION_KEY
from hook_senders import DELIVERY, hook_request
from store_values import NOW

SECRET, OTHER_SECRET = "mailtrap-signing-key-4711", "mailtrap-signing-key-0815"


def event(event="delivery", **fields):
    return {
        "event": event,
        "event_id": f"mt-{event}",
        "email": "bob@example.org",
        "timestamp": int(NOW),
        "message_id": "00000000-0000-4000-8000-000000004711",
        "custom_variables": {CORRELATION_KEY: DELIVERY},
    } | fields


def request(event, at=NOW):
    body = json.dumps({"events": [event]}).encode()
    return hook_request(body, {"mailtrap-signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}, at)
