"""The blocks of docs/recipes.md that go by HTTP send a mail as they stand, but for address and key."""

import asyncio
import json

import django.conf
import pytest
from django.core.mail import get_connection, send_mail
from urllib3.filepost import encode_multipart_formdata

from client.conftest import house as served_house
from door_words import submission
from everpost.client import Everpost
from everpost.dialects.dropins import mailgun
from recipes.page import block

house = served_house


@pytest.fixture
def settings(monkeypatch):
    """Django's, as a block says, with what the test changes."""
    if not django.conf.settings.configured:
        django.conf.settings.configure()

    def use(name, **changes):
        found = {}
        exec(block("Django", f"python {name}"), found)
        shown = {key: value for key, value in found.items() if key.isupper()}
        assert changes.keys() <= shown.keys()
        for key, value in (shown | changes).items():
            monkeypatch.setattr(django.conf.settings, key, value, raising=False)

    return use


def sent():
    return asyncio.to_thread(send_mail, "Grüße", "It works", "Ann <ann@example.com>", ["bob@example.org"])


@pytest.mark.parametrize("house", [Everpost], indirect=True)
async def test_django_sends_by_our_backend(settings, house):
    settings("ours", EVERPOST_URL=house.way.url, EVERPOST_KEY=house.token)
    assert await sent() == 1
    assert [mail.subject for mail in await house.mails()] == ["Grüße"]


@pytest.mark.parametrize("house", [Everpost], indirect=True)
async def test_django_sends_by_anymail(settings, house, monkeypatch):
    settings("anymail")
    shown = django.conf.settings.ANYMAIL
    at = {"MAILGUN_API_URL": f"{house.way.url}/v3", "MAILGUN_API_KEY": house.token}
    assert at.keys() <= shown.keys()
    monkeypatch.setattr(django.conf.settings, "ANYMAIL", shown | at)
    get_connection()  # reads them
    assert await sent() == 1
    assert [mail.subject for mail in await house.mails()] == ["Grüße"]


def test_a_newsletter_of_ghost_is_taken_and_waits_for_mailgun():
    own = {"name": "Bob", "list_unsubscribe": "https://blog.example.com/u", "message_id": "64.ab@mg.example.com"}
    data = {"bob@example.org": own}
    fields = [
        ("to", "bob@example.org"),
        ("from", '"Blog" <news@example.com>'),
        ("h:Reply-To", "news@example.com"),
        ("subject", "News"),
        ("html", "<p>Hi %recipient.name%"),
        ("text", "Hi %recipient.name%"),
        ("recipient-variables", json.dumps(data)),
        ("h:Sender", '"Blog" <news@example.com>'),
        ("h:Auto-Submitted", "auto-generated"),
        ("h:X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("h:List-Unsubscribe", "<%recipient.list_unsubscribe%>, <%tag_unsubscribe_email%>"),
        ("h:List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("h:Message-Id", "<%recipient.message_id%>"),  # with bulkEmail.perRecipientMessageId
        ("v:email-id", "64"),
        ("o:tag", "ghost-email"),
    ]
    [mail] = mailgun.parse(submission(*encode_multipart_formdata(fields))).mails
    assert (mail.text, mail.html, mail.metadata, mail.tags) == (
        "Hi Bob",
        "<p>Hi Bob",
        {"email-id": "64"},
        ("ghost-email",),
    )
    assert mail.headers["List-Unsubscribe"] == "<https://blog.example.com/u>, <%tag_unsubscribe_email%>"
    assert mail.headers["Message-ID"] == "<64.ab@mg.example.com>"
    assert mail.provider_options == {"mailgun": {}}
