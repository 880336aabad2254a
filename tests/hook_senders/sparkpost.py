from everpost.model.ids import CORRELATION_KEY
from hook_senders import DELIVERY, logged_in
from store_values import NOW

SECRET, OTHER_SECRET = "sparkpost:password-4711", "sparkpost:password-0815"


def event(type="delivery", **fields):  # noqa: A002  as the field is called
    about = {
        "type": type,
        "event_id": f"sp-{type}",
        "timestamp": str(int(NOW)),
        "rcpt_to": "bob@example.org",
        "rcpt_meta": {CORRELATION_KEY: DELIVERY},
        "transmission_id": "4711",
    }
    return {"msys": {"message_event": about | fields}}


def request(event, at=NOW):
    return logged_in([event], SECRET, at)
