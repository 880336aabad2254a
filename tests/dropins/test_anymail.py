"""django-anymail, whose backends speak to providers in their own way, pointed at Everpost and else as it comes."""

import asyncio
import json
import time
import warnings

import django.conf
import pytest
import pytest_asyncio
from msgspec.structs import asdict, replace

from dropins.conftest import opened
from everpost.entrypoints.http.door import LOCAL
from everpost.model.message import Address
from everpost.model.template import Template
from sdks import RICH, SCRIPTS, quoted

if not django.conf.settings.configured:
    django.conf.settings.configure()

from anymail.exceptions import AnymailAPIError, AnymailNotSupportedWarning, AnymailUnsupportedFeature
from anymail.message import AnymailMessage
from django.core.mail import get_connection

pytestmark = pytest.mark.asyncio(loop_scope="module")
BACKENDS = {
    "sendgrid": {"api_key": "{key}", "api_url": "{url}/v3/"},
    "mailgun": {"api_key": "{key}", "api_url": "{url}/v3", "sender_domain": "mg.example.com"},
    "postmark": {"server_token": "{key}", "api_url": "{url}/"},
    "resend": {"api_key": "{key}", "api_url": "{url}/"},
    "amazon_ses": {"client_params": {"endpoint_url": "{url}", "aws_access_key_id": "{key}"}},
}
AWS = {"aws_secret_access_key": "-", "region_name": "eu-west-1"}
ITS_WAY = {
    "sendgrid": lambda draft, mail: {"metadata": {"anymail_id": draft.metadata["anymail_id"]} | mail.metadata},
    "resend": lambda _, mail: {
        "headers": mail.headers | {"X-Metadata": json.dumps(mail.metadata), "X-Tags": json.dumps([*mail.tags])},
        "tags": (),
        "metadata": {},
    },
    "amazon_ses": lambda draft, mail: {
        "headers": mail.headers
        | {"X-Metadata": json.dumps(mail.metadata), "X-Tag": mail.tags[0], "Message-ID": draft.headers["Message-ID"]},
        "tags": (),
        "metadata": {},
        "bcc": tuple(Address(each.email) for each in mail.bcc),  # of the envelope, which has no names
    },
}
"""What a backend makes of a mail by itself. SES's writes a whole mail."""

REFUSED = {"amazon_ses": (None,)}  # its error tells of none, and stands on boto3's


def filled(value, at):
    return (
        value.format(**at) if isinstance(value, str) else AWS | {name: filled(each, at) for name, each in value.items()}
    )


class Anymail:
    """A backend that is pointed at the house."""

    def __init__(self, name, house, key=None):
        self._house = house
        at = {"url": house.url, "key": key or house.token}
        options = {option: filled(value, at) for option, value in BACKENDS[name].items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AnymailNotSupportedWarning)  # of SendGrid's; it works all the same
            self._backend = get_connection(f"anymail.backends.{name}.EmailBackend", **options)

    async def send(self, message):
        """The mail as its provider has taken it."""
        [draft] = await self.send_many(message, 1)
        return draft

    async def send_many(self, message, count):
        """So many mails are made of it."""
        already = len(self._house.sandbox.inbox)
        await self._sent(message)
        return [each.draft for each in (await self._house.all_caught(already + count))[:count]]

    async def id_of(self, message):
        """Ours. Mailgun's backend reads a Message-ID, SendGrid's goes by one of its own."""
        await self._sent(message)
        told = message.anymail_status.esp_response
        given = told.headers.get("x-message-id") or told.json()["id"]
        return given.strip("<>").partition("@")[0]

    async def _sent(self, message):
        assert await asyncio.to_thread(self._backend.send_messages, [message]) == 1
        assert message.anymail_status.status <= {"queued", "sent"}


def plain(subject, to="bob@example.org"):
    return AnymailMessage(subject, "It works", "ann@example.com", [to])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    """Its account is at Mailgun, which carries the most."""
    async with opened("mailgun", tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.mark.parametrize("name", BACKENDS)
async def test_a_plain_mail_arrives(name, house):
    draft = await Anymail(name, house).send(plain(f"Hello from {name}"))
    assert (draft.sender.email, draft.to[0].email) == ("ann@example.com", "bob@example.org")
    assert (draft.subject, draft.text.rstrip("\n"), draft.html) == (f"Hello from {name}", "It works", None)


async def arrived(name, house, mail):
    """A mail as it arrives, and as it has to, however this backend writes it."""
    message = AnymailMessage(f"{mail.subject} {name}", mail.text, quoted(mail.sender), headers=mail.headers)
    for field in ("to", "cc", "bcc", "reply_to"):
        setattr(message, field, [quoted(each) for each in getattr(mail, field)])
    note, logo = mail.attachments
    message.attach(note.filename, note.content, note.content_type)
    shown = message.attach_inline_image(logo.content, logo.filename)
    message.attach_alternative(mail.html.replace(logo.content_id, shown), "text/html")
    message.tags, message.metadata = [*mail.tags], mail.metadata
    draft = await Anymail(name, house).send(message)
    files = {each.content_id: each.content for each in draft.attachments}
    assert files == {None: note.content, shown: logo.content}
    assert note.filename in {each.filename for each in draft.attachments}
    meant = replace(mail, subject=message.subject, html=draft.html, attachments=draft.attachments)
    assert shown in draft.html
    return asdict(draft), asdict(meant) | ITS_WAY.get(name, lambda *_: {})(draft, mail)


@pytest.mark.parametrize("name", BACKENDS)
async def test_a_mail_arrives_as_django_has_written_it(name, house):
    found, meant = await arrived(name, house, RICH)
    assert found == meant


@pytest.mark.parametrize("name", BACKENDS)
async def test_every_field_may_be_in_any_script(name, house):
    found, meant = await arrived(name, house, SCRIPTS)
    assert found == meant


SCHEDULES = ("sendgrid", "mailgun", "resend")


@pytest.mark.parametrize("name", SCHEDULES)
async def test_a_mail_is_scheduled(name, house):
    message, at = plain(f"Later by {name}"), int(time.time()) + 3600
    message.send_at = at
    stored = await house.stored(await Anymail(name, house).id_of(message))
    assert (stored.message.send_at, stored.deliveries[0].state) == (at, "queued")


@pytest.mark.parametrize("name", [name for name in BACKENDS if name not in SCHEDULES])
async def test_what_a_provider_has_no_schedule_for_its_backend_refuses_itself(name, house):
    message = plain("Later")
    message.send_at = time.time() + 3600
    with pytest.raises(AnymailUnsupportedFeature, match="send_at"):
        await Anymail(name, house).send(message)


def to_two(subject):
    message = plain(subject)
    message.to = ["Bob <bob@example.org>", "zoe@example.org"]
    return message


@pytest.mark.parametrize("name", [name for name in BACKENDS if name != "resend"])
async def test_each_of_several_has_the_template_in_words_of_its_own(name, house):
    kept = Template(id="d-each", project="default", subject="Hello {{name}}", text="From {{shop}} by " + name)
    await house.engine.acceptor.templates.put(LOCAL, kept)
    message = to_two(None)
    message.body, message.template_id = None, "d-each"
    message.merge_data = {"bob@example.org": {"name": "Bob"}, "zoe@example.org": {"name": "Zoë"}}
    message.merge_global_data = {"shop": "Ann"}
    found = await Anymail(name, house).send_many(message, 2)
    assert {(each.to[0].email, each.subject, each.text.rstrip("\n")) for each in found} == {
        ("bob@example.org", "Hello Bob", f"From Ann by {name}"),
        ("zoe@example.org", "Hello Zoë", f"From Ann by {name}"),
    }
    assert {each.status for each in message.anymail_status.recipients.values()} <= {"queued", "sent"}
    assert all(each.message_id for each in message.anymail_status.recipients.values())


@pytest.mark.parametrize("name", BACKENDS)
async def test_each_of_several_has_metadata_of_its_own(name, house):
    message = to_two(f"Of each by {name}")
    message.merge_metadata = {"bob@example.org": {"order": "1"}, "zoe@example.org": {"order": "2"}}
    if name == "amazon_ses":
        message.template_id = "d-order"
        kept = Template(id="d-order", project="default", subject=message.subject, text="It works")
        await house.engine.acceptor.templates.put(LOCAL, kept)
        message.subject = message.body = None
    found = await Anymail(name, house).send_many(message, 2)
    orders = {each.to[0].email: each.metadata.get("order") or each.headers.get("X-Metadata") for each in found}
    told = {"resend": '{{"order": "{}"}}', "amazon_ses": '{{"order": "{}"}}'}.get(name, "{}")
    assert orders == {"bob@example.org": told.format(1), "zoe@example.org": told.format(2)}


@pytest.mark.parametrize("name", [name for name in BACKENDS if name != "resend"])  # it has no templates at anymail
async def test_a_template_that_is_kept_here_is_filled_in(name, house):
    kept = Template(id="d-welcome", project="default", subject="Hello {{name}}", text=f"From {name}")
    await house.engine.acceptor.templates.put(LOCAL, kept)
    message = AnymailMessage(None, None, "ann@example.com", ["bob@example.org"])
    message.template_id = "d-welcome"
    message.merge_global_data = {"name": "Bob"}
    draft = await Anymail(name, house).send(message)
    assert (draft.subject, draft.text.rstrip("\n")) == ("Hello Bob", f"From {name}")


@pytest.mark.parametrize("name", BACKENDS)
async def test_what_is_wrong_is_raised_as_the_class_that_its_users_catch(name, house):
    with pytest.raises(AnymailAPIError, match="nowhere") as caught:
        await Anymail(name, house).send(plain("Hello", "bob@nowhere"))
    assert caught.value.status_code in REFUSED.get(name, (400, 422))
    with pytest.raises(AnymailAPIError) as caught:
        await Anymail(name, house, "nonsense").send(plain("Hello"))
    assert caught.value.status_code in REFUSED.get(name, (401, 403))
