"""What is peculiar to SparkPost: a 200 that accepts nobody, and its way to name recipients."""

from random import Random

import pytest
from msgspec.structs import replace

from everpost.model.message import Address, Attachment
from everpost.model.outcome import Kind
from everpost.providers.contract import Unsendable
from everpost.providers.http import json_request
from everpost.providers.sparkpost import adapter as sparkpost
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sparkpost.api import SparkPost
from provider_cases import DRAFT, ID, account_of, answered, built

NAMED = Address("bob@example.org", "Bob {{ x }}")


def sent(draft, *refused):
    """What the sandbox's SparkPost says to a mail, and what it has taken; it sends nothing to some people."""
    inbox = Inbox(lambda: 0.0)
    server = SparkPost(inbox, Conduct(inactive_recipients=frozenset(refused)), lambda: 0.0, Random(1))
    return sparkpost.PROVIDER.read(answered(server, built("sparkpost", draft)), account_of("sparkpost")), inbox


def test_a_200_with_nobody_accepted_is_a_refusal_and_another_account_may_take_the_mail():
    outcome, inbox = sent(replace(DRAFT, cc=(), bcc=()), "bob@example.org")
    assert (outcome.kind, outcome.account_fault, outcome.status) == (Kind.REFUSED, False, 200)
    assert outcome.text == "0 accepted, 1 rejected"
    assert not inbox.taken


def test_a_200_with_some_accepted_is_an_acceptance_and_the_trail_says_how_many_go_without():
    outcome, inbox = sent(DRAFT, "bob@example.org")
    assert (outcome.kind, outcome.text) == (Kind.ACCEPTED, "2 accepted, 1 rejected")
    assert inbox.taken[ID] == 1


def test_to_cc_and_bcc_are_told_apart_by_who_reads_the_mail():
    _, inbox = sent(DRAFT)
    [caught] = inbox.list()
    assert [each.email for each in caught.draft.to] == ["bob@example.org"]
    assert [each.email for each in caught.draft.cc] == ["cleo@example.org"]
    assert [each.email for each in caught.draft.bcc] == ["hidden-7f3a@example.net"]


def test_recipients_as_its_own_client_names_them_are_told_apart_too():
    """The one in To has no header of his own."""
    inbox = Inbox(lambda: 0.0)
    recipients = [
        {"address": {"email": "bob@example.org"}},
        {"address": {"email": "cleo@example.org", "header_to": "bob@example.org"}},
    ]
    content = {"from": "ann@example.com", "subject": "Hello", "text": "x", "headers": {"CC": "cleo@example.org"}}
    request = json_request(
        "POST", "http://127.0.0.1:1/api/v1/transmissions", "key", {"recipients": recipients, "content": content}
    )
    assert answered(SparkPost(inbox, Conduct(), lambda: 0.0, Random(1)), request).status == 200
    [caught] = inbox.list()
    assert (caught.draft.to, caught.draft.cc, caught.draft.bcc) == (
        (Address("bob@example.org"),),
        (Address("cleo@example.org"),),
        (),
    )


def test_the_largest_mail_fits_into_what_it_takes():
    """20 MB of content, attachments in base64."""
    large = Attachment(filename="a", content_type="a/b", content=bytes(sparkpost.PROVIDER.limits.content_bytes_max))
    assert len(built("sparkpost", replace(DRAFT, attachments=(large,))).body) < 20_000_000


@pytest.mark.parametrize(
    "change", [{"subject": "{{ 7 }}"}, {"headers": {"X-Kind": "a{{b"}}, {"sender": NAMED}, {"to": (NAMED,)}]
)
def test_what_it_would_read_as_a_variable_in_a_header_goes_elsewhere(change):
    built_ = sparkpost.PROVIDER.build(replace(DRAFT, **change), ID, account_of("sparkpost"))
    assert isinstance(built_, Unsendable)
    assert "{{" in built_.reason
