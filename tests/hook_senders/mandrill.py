import hashlib
import hmac
import json
from base64 import b64encode
from urllib.parse import urlencode

from everpost.model.ids import CORRELATION_KEY
from hook_senders import DELIVERY, hook_request
from store_values import NOW

SECRET, OTHER_SECRET = "mandrill-webhook-key", "another-webhook-key"
URL = "https://hook:s3cret@everpost.example.com/hooks/mandrill?tenant=1"


def event(event="delivered", msg=None, **fields):
    mail = {"_id": "abcdef", "email": "bob@example.org", "metadata": {CORRELATION_KEY: DELIVERY}, "smtp_events": []}
    return {
        "event": event,
        "_id": "abcdef",
        "ts": int(NOW),
        "msg": mail | (msg if isinstance(msg, dict) else {}),
    } | fields


def request(event, at=NOW, key=SECRET):
    return batch([event], at, key)


def batch(events, at=NOW, key=SECRET):
    """`events`: text as it is, or events."""
    told = events if isinstance(events, str) else json.dumps(events)
    signed = f"{URL}mandrill_events{told}".encode()
    signature = b64encode(hmac.new(key.encode(), signed, hashlib.sha1).digest()).decode()
    return hook_request(urlencode({"mandrill_events": told}).encode(), {"x-mandrill-signature": signature}, at)
