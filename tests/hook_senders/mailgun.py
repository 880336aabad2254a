import hashlib
import hmac
import json

from everpost.model.ids import CORRELATION_KEY
from hook_senders import DELIVERY, hook_request
from store_values import NOW

SECRET, OTHER_SECRET = "mailgun-signing-key-4711", "mailgun-signing-key-0815"


def event(event="delivered", **fields):
    return {
        "event": event,
        "id": f"mg-{event}",
        "timestamp": NOW + 0.5,
        "recipient": "bob@example.org",
        "user-variables": {CORRELATION_KEY: DELIVERY},
        "message": {"headers": {"message-id": "4711@mg.example.com", "to": "bob@example.org"}},
    } | fields


def request(event, at=NOW, key=SECRET, token="a" * 50, **more):
    stamp = str(int(at))
    signature = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    signed = {"timestamp": stamp, "token": token, "signature": signature} | more
    return hook_request(json.dumps({"signature": signed, "event-data": event}).encode(), {}, at)
