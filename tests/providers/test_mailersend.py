"""What is peculiar to MailerSend."""

import json
from random import Random

import pytest
from msgspec.structs import replace

from everpost.model.message import Attachment
from everpost.model.outcome import Kind
from everpost.providers.contract import Absent, Ask, Found, HttpResponse, Sought, outcome_of
from everpost.providers.mailersend.adapter import PAGE, PROVIDER
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.mailersend.api import MailerSend
from provider_cases import DRAFT, ID, STARTED_AT, account_of, answered, built, fitted

MAIL = fitted("mailersend", DRAFT)
EMAILS = [address.email for address in MAIL.recipients]


@pytest.fixture
def inbox():
    return Inbox(lambda: STARTED_AT + 1.0)


@pytest.fixture
def conduct():
    return Conduct()


@pytest.fixture
def server(inbox, conduct):
    return MailerSend(inbox, conduct, lambda: STARTED_AT + 2.0, Random(1))


def sent(server, delivery_id=ID):
    return outcome_of(PROVIDER, answered(server, built("mailersend", MAIL, delivery_id)), account_of("mailersend"))


def test_a_mail_whose_recipients_are_all_suppressed_was_not_taken_though_the_answer_is_202(server, inbox, conduct):
    conduct.inactive_recipients = frozenset(EMAILS)
    outcome = sent(server)
    assert (outcome.status, outcome.kind, outcome.account_fault) == (202, Kind.REFUSED, False)
    assert outcome.text == "ALL_SUPPRESSED"
    assert inbox.list() == []


def test_a_mail_with_some_suppressed_recipients_was_taken_and_says_so(server, inbox, conduct):
    conduct.inactive_recipients = frozenset(EMAILS[:1])
    outcome = sent(server)
    assert (outcome.kind, outcome.text) == (Kind.ACCEPTED, "SOME_SUPPRESSED")
    assert outcome.provider_message_id == inbox.list()[0].provider_message_id


def test_of_the_activity_of_a_domain_what_no_webhook_tells_is_left_out_and_so_is_the_mail():
    asked = PROVIDER.history.start(account_of("mailersend"), STARTED_AT, STARTED_AT + 60.0)
    domains = asked.read(page_of([{"id": "d1", "name": "example.com"}]))
    assert domains.told == ()
    (activity,) = domains.further
    assert "/v1/activity/d1?" in activity.request.url
    email = {"tags": [ID], "recipient": {"email": EMAILS[0]}, "html": "<p>secret</p>"}
    entries = [{"id": type_, "type": type_, "email": email} for type_ in ("queued", "delivered")]
    listed = activity.read(page_of(entries))
    assert [(one.native, one.event_id, one.delivery_id) for one in listed.told] == [("activity.delivered", None, ID)]
    assert b"secret" not in listed.told[0].raw
    assert listed.further == ()


def page_of(entries):
    body = json.dumps({"data": entries, "links": {"next": None}}).encode()
    return HttpResponse(status=200, headers={}, body=body)


def test_a_mail_is_found_behind_a_page_of_others(server):
    """Each recipient has an entry of his own, and the newest come first."""
    sent(server)
    for number in range(PAGE):
        sent(server, f"em_other.{number}")
    sought = Sought(delivery_id=ID, message=MAIL, account=account_of("mailersend"), started_at=STARTED_AT)
    request, asked = PROVIDER.resolve.start(sought), 0
    while isinstance(finding := PROVIDER.resolve.read(sought, answered(server, request)), Ask):
        (request,), asked = finding.requests, asked + 1
    assert (finding, asked) == (Found(None), len(EMAILS) + 1)
    assert isinstance(PROVIDER.resolve.read(replace(sought, delivery_id="em_x.0"), answered(server, request)), Absent)


def test_the_key_that_may_read_asks_and_never_sends_or_probes():
    account = account_of("mailersend", {"lookup_api_key": "mlsn.other"})
    sought = Sought(delivery_id=ID, message=MAIL, account=account, started_at=STARTED_AT)
    assert PROVIDER.resolve.start(sought).headers["Authorization"] == "Bearer mlsn.other"
    for request in (PROVIDER.build(MAIL, ID, account), PROVIDER.probe(account)):
        assert request.headers["Authorization"] == "Bearer mlsn.key"


def test_the_largest_mail_fits_into_what_it_takes():
    """25 MB of attachments, in base64."""
    large = Attachment(filename="a", content_type="a/b", content=bytes(PROVIDER.limits.content_bytes_max))
    assert len(built("mailersend", replace(MAIL, attachments=(large,))).body) < 25_000_000
