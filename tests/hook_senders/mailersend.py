import hashlib
import hmac
import json

from hook_senders import DELIVERY, hook_request
from store_values import NOW

SECRET, OTHER_SECRET = "mailersend-signing-secret", "another-signing-secret"


def event(event="activity.delivered", reason=None, **fields):
    kind = str(event).partition(".")[2]
    return {
        "type": event,
        "created_at": "2027-01-15T08:00:01.5Z",
        "data": {
            "id": f"ms-{kind}",
            "type": kind,
            "created_at": "2027-01-15T08:00:00.5Z",
            "email": {
                "message": {"id": "69559b"},
                "recipient": {"email": "bob@example.org"},
                "tags": ["receipts", DELIVERY],
            },
            "morph": {"reason": reason} if reason else None,
        },
    } | fields


def request(event, at=NOW, key=SECRET):
    body = json.dumps(event).encode()
    return hook_request(body, {"signature": hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}, at)
