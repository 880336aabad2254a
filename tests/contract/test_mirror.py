"""The mirror law: what a provider builds, the dialect of the same name reads back, up to the losses it declares."""

import re

import pytest
from hypothesis import example, given
from msgspec.structs import fields, replace

from drafts import drafts
from everpost.dialects import mailgun, mime, sendgrid
from everpost.dialects.contract import Parsed, Submission
from everpost.model.account import Account
from everpost.model.capability import Loss
from everpost.model.message import Address, Attachment, Draft, OnUnknown
from everpost.wiring import PROVIDERS

ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
ACCOUNT = Account(
    name="main", provider="any", settings={"api_key": "k", "domain": "mg.example.com", "host": "smtp.example.com"}
)
DEFAULT = Draft(sender=Address("ann@example.com"))


def absent(name):
    """The field is not carried at all."""
    return lambda _: getattr(DEFAULT, name)


OURS = {
    name: absent(name)
    for name in ("send_at", "expires_at", "route", "on_unknown", "resolve_within_s", "allow_loss", "provider_options")
}


def filled(name):
    return lambda draft: getattr(draft, name) or None


def named_by_content_id(draft):
    return tuple(
        part if part.content_id is None else replace(part, filename=part.content_id) for part in draft.attachments
    )


def inline_first(draft):
    stripped = [replace(part, filename=part.filename.strip()) for part in draft.attachments]
    inline = [part for part in stripped if part.content_id is not None and draft.html is not None]
    others = [replace(part, content_id=None) for part in stripped if part not in inline]
    return (*inline, *others)


def text_in_lines(draft):
    return "" if draft.text is None and draft.html is None else in_lines(draft.text)


def html_in_lines(draft):
    return in_lines(draft.html)


def in_lines(text):
    """Any line break is the same, and one at the end may come or go."""
    return None if text is None else re.sub(r"\r\n?", "\n", text).removesuffix("\n")


CHANGES = {
    "sendgrid": OURS | {"text": filled("text"), "html": filled("html")},
    "mailgun": OURS | {"text": filled("text"), "html": filled("html"), "attachments": named_by_content_id},
    "smtp": OURS
    | {
        "tags": absent("tags"),
        "metadata": absent("metadata"),
        "bcc": lambda draft: tuple(Address(address.email) for address in draft.bcc),
        "text": text_in_lines,
        "html": html_in_lines,
        "attachments": inline_first,
    },
}
"""What each declared loss makes of the field; every other field comes back as it went."""

SEEN = {"smtp": {"text": text_in_lines, "html": html_in_lines}}
"""What is compared of a field that was read back, where that is not the field itself."""

FULL = Draft(
    sender=Address("ann@example.com", "Ann"),
    to=(Address("bob@example.org", "Bob"),),
    bcc=(Address("eve@example.net", "Eve"),),
    subject="Hello",
    text="one\r\ntwo\n",
    html="",
    attachments=(
        Attachment(filename=" a.txt ", content_type="text/plain", content=b"a"),
        Attachment(filename="logo.png", content_type="image/png", content=b"b", content_id="logo-1"),
    ),
    tags=("a",),
    metadata={"order": "12"},
    send_at=1.0,
    expires_at=2.0,
    route="other",
    on_unknown=OnUnknown.HOLD,
    resolve_within_s=3.0,
    allow_loss=(Loss.TAGS,),
    provider_options={"another": {"x": 1}},
)
LOSERS = (FULL, replace(FULL, text="", html="one\rtwo"))

DIALECTS = {"sendgrid": sendgrid, "mailgun": mailgun, "smtp": mime}
every = pytest.mark.parametrize("name", CHANGES)


def read_back(name, request):
    if name == "smtp":
        return mime.parse(request.data, request.rcpt_to)
    headers = {key.lower(): value for key, value in request.headers.items()}
    return DIALECTS[name].parse(Submission(method="POST", path="/", query={}, headers=headers, body=request.body))


@every
@given(draft=drafts())
@example(draft=LOSERS[0])
@example(draft=LOSERS[1])
def test_what_was_built_is_read_back(name, draft):
    parsed = read_back(name, PROVIDERS[name].build(draft, ID, ACCOUNT))
    assert isinstance(parsed, Parsed), parsed
    expected = replace(draft, **{field: change(draft) for field, change in CHANGES[name].items()})
    found = replace(parsed.draft, **{field: see(parsed.draft) for field, see in SEEN.get(name, {}).items()})
    for each in fields(Draft):
        assert getattr(found, each.name) == getattr(expected, each.name), each.name
    assert parsed.delivery_id == ID


@every
def test_nothing_is_lost_that_is_not_declared(name):
    assert CHANGES[name].keys() == DIALECTS[name].LOSSES.keys()


@pytest.mark.parametrize(("name", "field"), [(name, field) for name in CHANGES for field in CHANGES[name]])
def test_every_declared_loss_is_one(name, field):
    assert any(CHANGES[name][field](draft) != getattr(draft, field) for draft in LOSERS)


@every
@given(draft=drafts())
def test_the_same_mail_gives_the_same_bytes(name, draft):
    assert PROVIDERS[name].build(draft, ID, ACCOUNT) == PROVIDERS[name].build(draft, ID, ACCOUNT)
