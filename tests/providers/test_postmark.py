"""What is peculiar to Postmark."""

from random import Random

from msgspec.structs import replace

from everpost.model.message import Address, Attachment
from everpost.model.outcome import Kind
from everpost.providers.contract import secrets_of
from everpost.providers.postmark import adapter as postmark
from everpost.sandbox.api import Conduct
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.postmark.api import Postmark
from provider_cases import DRAFT, account_of, answered, built

CONDUCT = Conduct(inactive_recipients=frozenset({"bob@example.org", "gone@example.org"}))
GONE = Address("gone@example.org")


def sent(draft):
    """What the sandbox's Postmark says to a mail, some of whose recipients are inactive there."""
    server = Postmark(Inbox(lambda: 0.0), CONDUCT, lambda: 0.0, Random(1))
    return postmark.PROVIDER.read(answered(server, built("postmark", draft)), account_of("postmark"))


def test_a_mail_to_partly_inactive_recipients_is_accepted_and_the_trail_says_who_goes_without():
    outcome = sent(replace(DRAFT, cc=(GONE,)))
    assert outcome.kind is Kind.ACCEPTED
    assert outcome.provider_message_id
    assert outcome.text.endswith("will not deliver to these inactive addresses: bob@example.org, gone@example.org")


def test_a_mail_to_inactive_recipients_alone_is_refused_here_and_another_account_may_take_it():
    outcome = sent(replace(DRAFT, cc=(GONE,), bcc=()))
    assert (outcome.kind, outcome.account_fault) == (Kind.REFUSED, False)
    assert outcome.text.startswith("406 ")


def test_the_key_is_kept_secret_though_it_stands_in_a_header_of_its_own():
    assert account_of("postmark").settings["api_key"] in set(secrets_of(built("postmark", DRAFT)))


def test_the_largest_mail_fits_into_what_it_takes():
    """10 MB in all, attachments in base64."""
    large = Attachment(filename="a", content_type="a/b", content=bytes(postmark.PROVIDER.limits.content_bytes_max))
    assert len(built("postmark", replace(DRAFT, attachments=(large,))).body) < 10_000_000
