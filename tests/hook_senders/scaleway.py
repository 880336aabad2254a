from hook_senders import DELIVERY, notifications
from store_values import NOW

SETTING = "webhook_topics"
SECRET, OTHER_SECRET = "arn:scw:sns:fr-par:project-1:everpost", "arn:scw:sns:fr-par:project-2:theirs"
HOST = "https://sns.mnq.fr-par.scaleway.com"
CERTIFICATE = "https://messaging.s3.fr-par.scw.cloud/fr-par/sns/sns-cert-4711.pem"
ISSUERS = "https://messaging.s3.fr-par.scw.cloud/fr-par/sns/sns-trust-chain.pem"
DOCUMENTS = {
    CERTIFICATE: notifications.certified(issuer_key=notifications.OTHER_KEY),
    ISSUERS: notifications.authority(),
}


def event(event="email_delivered", **fields):
    return {
        "id": f"scw-{event}",
        "type": event,
        "created_at": "2027-01-15T08:00:00.5Z",
        "email_id": "5aaa",
        "email_to": "bob@example.org",
        "email_headers": [{"key": "X-Everpost-Id", "value": DELIVERY}],
    } | fields


def request(event, at=NOW, key=SECRET):
    """`key`: the topic."""
    return notifications.signed(notifications.notification(event, key, CERTIFICATE, at=at), at)
