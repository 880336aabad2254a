"""Notifications of SNS are proven by a certificate that only the service itself can have put where it lies."""

import json

import pytest
from msgspec.structs import replace

from everpost.model.account import Account
from everpost.providers.hooks import Forged, Genuine, Lacks
from everpost.providers.scaleway import events as scaleway_events
from everpost.providers.ses import events as ses_events
from hook_senders import notifications, scaleway, ses
from store_values import NOW

ACCOUNT = Account(name="a", provider="ses")


def told(**fields):
    return notifications.notification({"eventType": "Send"}, ses.SECRET, ses.CERTIFICATE, **fields)


def asked(kind, **fields):
    return notifications.confirmation(kind, ses.SECRET, ses.CERTIFICATE, ses.HOST, **fields)


def verify(request, documents=ses.DOCUMENTS, topics=(ses.SECRET,), account=ACCOUNT):
    return ses_events.verify(replace(request, documents=documents), account, topics)


def reason(found):
    assert isinstance(found, Forged), found
    return found.reason


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [None, "Amazon SES Email Event Notification"])
def test_both_versions_are_genuine_with_a_subject_and_without(version, subject):
    assert verify(notifications.signed(told(Subject=subject), version=version)) == Genuine()


def test_a_certificate_is_asked_for_once_the_topic_is_known_to_be_ours():
    request = notifications.signed(told())
    assert verify(request, {}) == Lacks(ses.CERTIFICATE)
    assert "its topic is not among webhook_topics" in reason(verify(request, {}, (ses.OTHER_SECRET,)))


HOST = "sns.eu-west-1.amazonaws.com"
FILE = "SimpleNotificationService-4711.pem"


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/{FILE}",
        f"https://{HOST}.example.org/{FILE}",
        f"https://example.org/{HOST}/{FILE}",
        f"https://{HOST}@example.org/{FILE}",
        f"https://{HOST}:8443/{FILE}",
        f"https://sns.us-east-1.amazonaws.com/{FILE}",
        f"https://sns.eu-west-1xamazonaws.com/{FILE}",
        f"https://sns.eu-west-1.amazonaws.com.cn.example.org/{FILE}",
        f"https://{HOST}/../{FILE}",
        f"https://{HOST}/{FILE}?x=1",
        f"https://{HOST}/{FILE}#x",
        f"https://{HOST}/{FILE}\n",
        f"https://{HOST}/{FILE}/x",
        f"https://{HOST}/?Action=Publish&x={FILE}",
        "https://169.254.169.254/latest/meta-data/x.pem",
        f"https://[::1]/{FILE}",
        "",
        None,
        7,
        [f"https://{HOST}/{FILE}"],
    ],
)
def test_a_certificate_from_anywhere_else_is_not_even_asked_for(url):
    request = notifications.signed(told(SigningCertURL=url))
    assert "not one of the service's own" in reason(verify(request, {}))


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature"])
def test_what_is_signed_can_not_be_changed(name):
    whole = json.loads(notifications.signed(told(Subject="x")).body)
    for place in range(len(whole[name])):
        flipped = whole[name][:place] + chr(ord(whole[name][place]) ^ 1) + whole[name][place + 1 :]
        body = json.dumps(whole | {name: flipped}).encode()
        assert isinstance(verify(replace(notifications.signed(told()), headers={}, body=body)), Forged), flipped


def test_a_signature_by_another_key_is_wrong():
    assert reason(verify(notifications.signed(told(), key=notifications.OTHER_KEY))) == "its signature is wrong"


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (b"", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"),
        (notifications.certified(end=NOW - 1), "not valid at this time"),
        (notifications.certified(start=NOW + 1), "not valid at this time"),
    ],
)
def test_a_certificate_that_is_no_good_proves_nothing(certificate, why):
    assert why in reason(verify(notifications.signed(told()), {ses.CERTIFICATE: certificate}))


def test_a_subscription_is_confirmed_where_the_service_says_if_that_is_its_own():
    request = notifications.signed(asked("SubscriptionConfirmation"))
    found = verify(request)
    assert found.confirm == f"{ses.HOST}/?Action=ConfirmSubscription&TopicArn={ses.SECRET}&Token=t-1"
    assert "is confirmed" in found.notice
    assert ses_events.read(request.body) == ()


@pytest.mark.parametrize(
    "url",
    [
        f"https://example.org/?Action=ConfirmSubscription&TopicArn={ses.SECRET}&Token=t-1",
        f"https://169.254.169.254/?Action=ConfirmSubscription&TopicArn={ses.SECRET}&Token=t-1",
        f"{ses.HOST}/?Action=DeleteTopic&TopicArn={ses.SECRET}&Token=t-1",
        f"{ses.HOST}/?Action=ConfirmSubscription&TopicArn={ses.OTHER_SECRET}&Token=t-1",
        f"{ses.HOST}/?Action=ConfirmSubscription&TopicArn={ses.SECRET}",
        f"{ses.HOST}:8443/?Action=ConfirmSubscription&TopicArn={ses.SECRET}&Token=t-1",
        ses.HOST,
    ],
)
def test_nothing_else_is_called_to_confirm_a_subscription(url):
    request = notifications.signed(asked("SubscriptionConfirmation", SubscribeURL=url))
    assert "not one of the service's own" in reason(verify(request))


def test_a_subscription_of_another_topic_is_not_confirmed():
    request = notifications.signed(asked("SubscriptionConfirmation"))
    assert isinstance(verify(request, topics=(ses.OTHER_SECRET,)), Forged)


def test_the_end_of_a_subscription_is_told_and_not_undone():
    request = notifications.signed(asked("UnsubscribeConfirmation"))
    assert verify(request) == Genuine(
        notice=f"the subscription to {ses.SECRET} has ended: its events do not come any more"
    )
    assert ses_events.read(request.body) == ()


def test_raw_delivery_is_not_signed():
    request = notifications.signed(told(), headers={"x-amz-sns-rawdelivery": "true"})
    assert "raw message delivery" in reason(verify(request))


def test_the_type_in_the_header_is_the_one_that_is_signed():
    request = notifications.signed(told(), headers={"x-amz-sns-message-type": "SubscriptionConfirmation"})
    assert "another type" in reason(verify(request))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"Type":7}', b'{"Type":"Notification","TopicArn":[]}'])
def test_what_is_no_envelope_is_not_signed(body):
    assert "not signed" in reason(verify(replace(notifications.signed(told()), body=body)))


def test_below_the_address_of_its_own_an_account_is_told_by_certificates_that_lie_there():
    account = replace(ACCOUNT, settings={"base_url": "http://127.0.0.1:8037"})
    for base, kind in (("http://127.0.0.1:8037", Lacks), ("http://127.0.0.1:80370", Forged)):
        request = notifications.signed(told(SigningCertURL=f"{base}/x.pem"))
        assert isinstance(verify(request, {}, account=account), kind), base


def test_scaleways_certificates_are_issued_by_its_own_authority():
    request = scaleway.request(scaleway.event())
    for issuers, kind in (
        (scaleway.DOCUMENTS[scaleway.ISSUERS], Genuine),
        (notifications.authority(notifications.KEY), Forged),
    ):
        documents = {**scaleway.DOCUMENTS, scaleway.ISSUERS: issuers}
        found = scaleway_events.verify(replace(request, documents=documents), ACCOUNT, (scaleway.SECRET,))
        assert isinstance(found, kind), found
    lacking = {scaleway.CERTIFICATE: scaleway.DOCUMENTS[scaleway.CERTIFICATE]}
    found = scaleway_events.verify(replace(request, documents=lacking), ACCOUNT, (scaleway.SECRET,))
    assert found == Lacks(scaleway.ISSUERS)


def test_an_event_of_several_tells_of_each():
    bounced = [{"emailAddress": f"{name}@example.org", "status": "5.1.1"} for name in ("bob", "cid")]
    event = ses.event("Bounce", about={"bounceType": "Permanent", "bouncedRecipients": bounced})
    assert [one.recipient for one in ses_events.read(json.dumps(event).encode())] == [
        "bob@example.org",
        "cid@example.org",
    ]


def test_nobody_of_several_is_said_to_have_complained():
    """It lists all recipients of the mail at that domain."""
    listed = [{"emailAddress": f"{name}@example.org"} for name in ("bob", "cid")]
    event = ses.event("Complaint", about={"complainedRecipients": listed})
    assert [one.vague for one in ses_events.read(json.dumps(event).encode())] == [True, True]


def test_eventbridge_brings_the_same():
    inner = ses.event()
    plain, enveloped = (
        ses_events.read(json.dumps(one).encode()) for one in (inner, {"source": "aws.ses", "detail": inner})
    )
    assert [replace(one, raw=b"") for one in plain] == [replace(one, raw=b"") for one in enveloped]
