import json
from base64 import b64encode

from hook_senders import DELIVERY, hook_request
from store_values import NOW

SECRET, OTHER_SECRET = "hook:4711", "hook:0815"


def event(event="sent", **fields):
    return {
        "event": event,
        "time": int(NOW),
        "MessageID": 104427216766056450,
        "Message_GUID": "00000000-0000-4000-8000-00000000e001",
        "email": "bob@example.org",
        "CustomID": DELIVERY,
    } | fields


def request(event, at=NOW, key=SECRET):
    login = b64encode(key.encode()).decode()
    return hook_request(json.dumps(event).encode(), {"authorization": f"Basic {login}"}, at)
