from everpost.model.ids import CORRELATION_KEY
from hook_senders import DELIVERY, iso, logged_in
from store_values import NOW

SECRET, OTHER_SECRET = "postmark:password-4711", "postmark:password-0815"


def event(RecordType="Delivery", **fields):  # noqa: N803  as the field is called
    return {
        "RecordType": RecordType,
        "MessageID": "00000000-0000-4000-8000-000000004711",
        "MessageStream": "outbound",
        "Metadata": {CORRELATION_KEY: DELIVERY},
        "Recipient": "bob@example.org",
        "DeliveredAt": iso(NOW + 0.5),
    } | fields


def request(event, at=NOW):
    return logged_in(event, SECRET, at)
