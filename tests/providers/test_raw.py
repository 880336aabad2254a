"""A whole mail at each provider: byte for byte below our line where it is taken, and refused where it is not."""

from base64 import b64decode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from everpost.dialects import mailgun, raw
from everpost.dialects.contract import Submission
from everpost.model.message import Address
from everpost.providers.contract import Unsendable
from everpost.wiring import PROVIDERS
from provider_cases import ID, account_of

HEAD = b"From: ann@example.com\r\nTo: bob@example.org\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n"
ASCII_ALONE = ("sparkpost",)
BEYOND_ASCII = bytes(range(128, 256))
OURS = b"X-Everpost-Id: " + ID.encode() + b"\r\n"
bodies = st.lists(st.binary(max_size=80).map(lambda line: line.translate(None, b"\r\n\0")), max_size=6)
TAKEN = sorted(name for name, provider in PROVIDERS.items() if provider.limits.raw)


def draft(body=(b"Hello",), envelope=(), more=b""):
    return raw.parse(HEAD + more + b"\r\n" + b"".join(line + b"\r\n" for line in body), envelope)


def built(name, mail):
    return PROVIDERS[name].build(mail, ID, account_of(name))


def mailgun_form(request):
    headers = {key.lower(): value for key, value in request.headers.items()}
    return mailgun.parse_whole(Submission(method="POST", path="/", query={}, headers=headers, body=request.body))


WENT_OUT = {
    "smtp": lambda request: request.data.removeprefix(OURS),
    "ses": lambda request: b64decode(msgspec.json.decode(request.body)["Content"]["Raw"]["Data"]).removeprefix(OURS),
    "mailgun": lambda request: mailgun_form(request).whole,
    "sparkpost": lambda request: msgspec.json.decode(request.body)["content"]["email_rfc822"].encode(),
}


def test_every_provider_that_takes_whole_mails_is_tried_here():
    assert WENT_OUT.keys() == set(TAKEN)


@pytest.mark.parametrize("name", TAKEN)
@given(body=bodies)
def test_it_goes_out_byte_for_byte_below_our_line(name, body):
    mail = draft([line.translate(None, BEYOND_ASCII) for line in body] if name in ASCII_ALONE else body)
    assert WENT_OUT[name](built(name, mail)) == mail.raw


@pytest.mark.parametrize("name", ["smtp", "ses"])
def test_our_line_stands_above_it(name):
    request = built(name, draft())
    data = request.data if name == "smtp" else b64decode(msgspec.json.decode(request.body)["Content"]["Raw"]["Data"])
    assert data == OURS + draft().raw


def test_mailgun_is_told_our_id_beside_it_and_whom_it_is_for():
    mail = replace(draft(envelope=["eve@example.net", "bob@example.org"]), tags=("a",), metadata={"order": "12"})
    read = mailgun_form(built("mailgun", mail))
    assert built("mailgun", mail).url.endswith("/messages.mime")
    assert read.delivery_id == ID
    assert [address.email for address in read.draft.recipients] == ["bob@example.org", "eve@example.net"]
    assert (read.draft.tags, read.draft.metadata) == (("a",), {"order": "12"})


def test_sparkpost_is_told_our_id_beside_it_and_to_leave_it_alone():
    mail = replace(draft(envelope=["eve@example.net", "bob@example.org"]), tags=("a",), metadata={"order": "12"})
    assert msgspec.json.decode(built("sparkpost", mail).body) == {
        "recipients": [{"address": {"email": "bob@example.org"}}, {"address": {"email": "eve@example.net"}}],
        "content": {"email_rfc822": mail.raw.decode()},
        "metadata": {"order": "12", "everpost_id": ID},
        "options": {
            "transactional": True,
            "perform_substitutions": False,
            "open_tracking": False,
            "click_tracking": False,
        },
        "campaign_id": "a",
    }


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (draft(more=b"Subject: Hello {{name}}\r\n"), "{{ in a header"),
        (draft(["Grüße".encode()]), "must be ASCII"),
        (replace(draft(), provider_options={"sparkpost": {"content": {"html": "x"}}}), "may not change"),
    ],
)
def test_what_sparkpost_would_change_of_it_or_can_not_read_is_not_given_to_it(mail, reason):
    assert reason in built("sparkpost", mail).reason
    assert reason in PROVIDERS["sparkpost"].fault(mail)


def test_variables_of_the_text_are_left_alone_at_sparkpost():
    mail = draft([b"Hello {{name}}"])
    assert WENT_OUT["sparkpost"](built("sparkpost", mail)) == mail.raw


def test_the_envelope_alone_says_who_gets_it():
    mail = draft(envelope=["eve@example.net"])
    assert msgspec.json.decode(built("sparkpost", mail).body)["recipients"] == [
        {"address": {"email": "eve@example.net"}}
    ]
    assert built("smtp", mail).rcpt_to == ("eve@example.net",)
    assert msgspec.json.decode(built("ses", mail).body)["Destination"] == {"BccAddresses": ["eve@example.net"]}


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - set(TAKEN)))
def test_who_takes_no_whole_mail_never_gets_one(name):
    refused = built(name, draft())
    assert refused == Unsendable("it takes no mail as it stands (raw MIME)")


@pytest.mark.parametrize("name", TAKEN)
def test_an_address_that_breaks_a_line_is_refused_all_the_same(name):
    assert isinstance(built(name, replace(draft(), to=(Address("bob@example.org>\r\nRCPT TO:<eve"),))), Unsendable)
