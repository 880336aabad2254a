from hook_senders import DELIVERY, notifications
from store_values import NOW

SETTING = "webhook_topics"
SECRET, OTHER_SECRET = "arn:aws:sns:eu-west-1:123456789012:everpost", "arn:aws:sns:eu-west-1:999999999999:theirs"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-4711.pem"
DOCUMENTS = {CERTIFICATE: notifications.certified()}


def event(event="Delivery", about=None, **fields):
    name = "about" if not isinstance(event, str) else event[:1].lower() + event[1:]
    return {
        "eventType": event,
        "mail": {
            "timestamp": "2027-01-15T08:00:00.000Z",
            "messageId": "0100019b",
            "destination": ["bob@example.org"],
            "tags": {"everpost_id": [DELIVERY.replace(".", "-")]},
        },
        name: {"timestamp": "2027-01-15T08:00:00.500Z"} | (about if isinstance(about, dict) else {}),
    } | fields


def request(event, at=NOW, key=SECRET):
    """`key`: the topic."""
    return notifications.signed(notifications.notification(event, key, CERTIFICATE, at=at), at)
