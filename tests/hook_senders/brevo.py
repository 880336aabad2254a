import json

from everpost.model.ids import CORRELATION_KEY
from hook_senders import DELIVERY, logged_in
from store_values import NOW

SECRET, OTHER_SECRET = "brevo:password-4711", "brevo:password-0815"


def event(event="delivered", **fields):
    return {
        "event": event,
        "email": "bob@example.org",
        "ts_epoch": int(NOW * 1000),
        "message-id": "<4711@smtp-relay.mailin.fr>",
        "X-Mailin-custom": json.dumps({CORRELATION_KEY: DELIVERY}),
    } | fields


def request(event, at=NOW):
    return logged_in(event, SECRET, at)
