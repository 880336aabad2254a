"""Two laws over generated mails. The same mail through every door is the same; and what a provider's client writes is
what the stand-in of that provider reads from the account there: who moves to Everpost sends what was sent before.
"""

from random import Random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

import drafts
from door_words import WRITERS, fit_for_ses
from everpost.dialects.dropins import mailgun, postmark, resend, sendgrid, ses
from everpost.dialects.dropins.contract import Asked
from everpost.dialects.faults import Faults
from everpost.dialects.mime_orders import read_orders, without_orders
from everpost.dialects.mime_parts import take_apart
from everpost.dialects.mime_reader import read
from everpost.dialects.native import mail as native
from everpost.model.account import Account
from everpost.model.message import Address, Attachment, Draft
from everpost.sandbox.api import Conduct, submission_of
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sandbox import APIS
from everpost.wiring import PROVIDERS
from sdks import RICH

DOORS = {
    "sendgrid": sendgrid.parse,
    "mailgun": mailgun.parse,
    "postmark": postmark.parse,
    "resend": resend.parse,
    "ses": ses.parse,
}
ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
KEYS = {"api_key": "k", "server_token": "k", "domain": "mg.example.com"}
SETTINGS = {"ses": {"region": "eu-west-1", "access_key_id": "k", "secret_access_key": "s"}}
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=k/20300101/eu-west-1/ses/aws4_request, Signature=0"}
"""Requests to SES are signed when they leave."""


def as_files_of_a_form(mail):
    """What is shown inline goes by its name. The client's library writes quotes as browsers do, which can't be told
    from what stood there before; and of two backslashes one is the escape of the other."""
    named = [each.content_id or each.filename for each in mail.attachments]
    read = [name.replace('"', "%22").replace("\\\\", "\\") for name in named]
    return tuple(replace(each, filename=name) for each, name in zip(mail.attachments, read, strict=True))


def inline_first(mail):
    """As the parts of a whole mail are nested."""
    return tuple(sorted(mail.attachments, key=lambda each: each.content_id is None))


STATED = {
    "native": {},
    "sendgrid": {},
    "mailgun": {"attachments": as_files_of_a_form},
    "postmark": {"tags": lambda mail: mail.tags[:1]},
    "resend": {"tags": lambda _: ()},
    "ses": {"tags": lambda _: (), "metadata": lambda mail: fit_for_ses(mail.metadata)},
    "smtp": {"attachments": inline_first},
}
"""What a door has another form for, or none: of each field, what becomes of it."""


def inline_in_html(mail):
    """A whole mail without html has nothing to show a file in."""
    kept = [each if mail.html else replace(each, content_id=None) for each in mail.attachments]
    return inline_first(replace(mail, attachments=tuple(kept)))


AT_THE_PROVIDER = {
    "ses": {"attachments": inline_in_html},
    "resend": {
        "metadata": lambda _: {},
        "attachments": lambda mail: tuple(
            replace(each, content_type="application/octet-stream") if "." in each.filename else each
            for each in mail.attachments
        ),
    },
}
"""What the account of the provider leaves out or leaves to the name of a file (docs/reference/providers)."""

plain_text = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=60)
line = plain_text.map(str.strip).filter(bool)
file = st.builds(
    Attachment,
    filename=line,
    content_type=st.sampled_from(["text/plain", "image/png", "application/pdf"]),
    content=st.binary(min_size=1, max_size=60),
    content_id=st.none() | drafts.words,
)


@st.composite
def mails(draw):
    """What all doors take."""
    people = draw(st.lists(drafts.addresses, min_size=1, max_size=6, unique_by=lambda each: each.email.lower()))
    cut = sorted(draw(st.tuples(st.integers(1, len(people)), st.integers(1, len(people)))))
    text, html = draw(st.sampled_from([(1, 0), (0, 1), (1, 1)]))
    mail = Draft(
        sender=draw(drafts.addresses),
        to=tuple(people[: cut[0]]),
        cc=tuple(people[cut[0] : cut[1]]),
        bcc=tuple(Address(each.email) for each in people[cut[1] :]),
        reply_to=tuple(draw(st.lists(drafts.addresses, max_size=2, unique=True))),
        subject=draw(line),
        text=draw(plain_text) if text else None,
        html=draw(plain_text) if html else None,
        attachments=tuple(draw(st.lists(file, max_size=2, unique_by=lambda each: each.content_id or each.filename))),
        headers=draw(st.dictionaries(drafts.words.map("X-{}".format), line, max_size=2)),
        tags=tuple(draw(st.lists(drafts.words, max_size=2, unique=True))),
        metadata=draw(st.dictionaries(drafts.words, line, max_size=2)),
    )
    assume(isinstance(native.parse(WRITERS["native"](mail).body), Draft))
    return mail


def by_smtp(request, mail):
    whole, faults = take_apart(request.body), Faults()
    orders = read_orders(whole, faults)
    assert not faults, faults.problem()
    read_back = read(without_orders(whole), mail.recipients)
    return orders.given_to(read_back) if isinstance(read_back, Draft) else read_back


def through(door, mail):
    """What a door makes of it."""
    request = WRITERS[door](mail)
    if door == "native":
        return native.parse(request.body)
    if door == "smtp":
        return by_smtp(request, mail)
    asked = DOORS[door](request)
    assert isinstance(asked, Asked), asked
    [draft] = asked.mails
    return draft


def changed(mail, changes):
    return replace(mail, **{name: change(mail) for name, change in changes.items()})


@pytest.mark.parametrize("door", STATED)
@settings(max_examples=50)
@given(mail=mails())
@example(mail=RICH)
def test_the_same_mail_through_every_door_is_the_same(door, mail):
    found = through(door, mail)
    assert isinstance(found, Draft), found
    assert asdict(found) == asdict(changed(mail, STATED[door]))


READ_BACK = {
    "ses": {
        "text": lambda mail: mail.text and mail.text.removesuffix("\n"),
        "html": lambda mail: mail.html and mail.html.removesuffix("\n"),
    }
}
"""What is seen of a field: in a whole mail a line ends."""


def handed_on(door, draft):
    """The mail as the stand-in of the door's provider reads it from the account of that provider."""
    inbox = Inbox(lambda: 0.0)
    api = APIS[door](inbox, Conduct(), lambda: 0.0, Random(0))
    account = Account(name="main", provider=door, settings=SETTINGS.get(door, KEYS))
    request = PROVIDERS[door].build(draft, ID, account)
    headers = SIGNED | {name.lower(): value for name, value in request.headers.items()}
    path = "/" + request.url.split("/", 3)[3]
    answer = api.answer(submission_of(request.method, path, headers, request.body))
    assert answer.status in (200, 202), answer.body
    [caught] = inbox.list()
    return caught.draft


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=50)
@given(mail=mails())
@example(mail=RICH)
def test_what_a_client_writes_its_provider_reads(door, mail):
    meant = changed(changed(mail, STATED[door]), AT_THE_PROVIDER.get(door, {}))
    found = handed_on(door, through(door, mail))
    assert asdict(changed(found, READ_BACK.get(door, {}))) == asdict(meant)
