"""The mirror law: what a provider builds, the dialect of the same name reads back, up to the losses it declares."""

import re

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from drafts import drafts
from everpost.dialects import mailgun as mailgun_dialect
from everpost.dialects import mime as mime_dialect
from everpost.dialects import sendgrid as sendgrid_dialect
from everpost.dialects.contract import Parsed, Submission
from everpost.model.account import Account
from everpost.model.message import Address, Draft, OnUnknown
from everpost.providers.mailgun import PROVIDER as MAILGUN
from everpost.providers.sendgrid import PROVIDER as SENDGRID
from everpost.providers.smtp import PROVIDER as SMTP

ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
ACCOUNT = Account(
    name="main", provider="any", settings={"api_key": "k", "domain": "mg.example.com", "host": "smtp.example.com"}
)
OURS = {
    "send_at": 1.0,
    "expires_at": 2.0,
    "route": "other",
    "on_unknown": OnUnknown.HOLD,
    "resolve_within_s": 3.0,
}


def submitted(request):
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Submission(method=request.method, path="/", query={}, headers=headers, body=request.body)


def assert_mirrored(expected, parsed):
    assert isinstance(parsed, Parsed), parsed
    for each in fields(Draft):
        assert getattr(parsed.draft, each.name) == getattr(expected, each.name), each.name
    assert parsed.delivery_id == ID


@given(drafts())
def test_sendgrid_reads_back_what_was_built(draft):
    request = SENDGRID.build(replace(draft, **OURS), ID, ACCOUNT)
    assert_mirrored(draft, sendgrid_dialect.parse(submitted(request)))


@given(drafts())
def test_mailgun_reads_back_what_was_built(draft):
    request = MAILGUN.build(replace(draft, **OURS), ID, ACCOUNT)
    named = tuple(
        part if part.content_id is None else replace(part, filename=part.content_id) for part in draft.attachments
    )
    # Mailgun's form has two places for files; within each the order holds.
    parsed = mailgun_dialect.parse(submitted(request))
    assert_mirrored(replace(draft, attachments=named), parsed)


@given(drafts())
def test_smtp_reads_back_what_was_built(draft):
    request = SMTP.build(replace(draft, **OURS), ID, ACCOUNT)
    inline = [part for part in draft.attachments if part.content_id is not None and draft.html is not None]
    others = [part for part in draft.attachments if part.content_id is None or draft.html is None]
    expected = replace(
        draft,
        bcc=tuple(Address(address.email) for address in draft.bcc),
        tags=(),
        metadata={},
        attachments=(*inline, *(replace(part, content_id=None) for part in others)),
        text=with_last_break(draft.text, alone=draft.html is None and not draft.attachments),
    )
    assert_mirrored(expected, mime_dialect.parse(request.data, request.rcpt_to))


def with_last_break(text, *, alone):
    """A mail ends with a line break, so a text that is all of it does too, unless a transfer encoding hides it."""
    return (
        text
        if not alone or text.endswith("\n") or not re.fullmatch(r"[\n -~]*[!-~]", text) or "=_" in text
        else text + "\n"
    )


@given(drafts(), st.sampled_from([SENDGRID, MAILGUN, SMTP]))
def test_the_same_mail_gives_the_same_bytes(draft, provider):
    assert provider.build(draft, ID, ACCOUNT) == provider.build(draft, ID, ACCOUNT)


def test_every_declared_loss_names_a_field_of_a_draft():
    names = {each.name for each in fields(Draft)}
    for dialect in (sendgrid_dialect, mailgun_dialect, mime_dialect):
        assert set(dialect.LOSSES) <= names
