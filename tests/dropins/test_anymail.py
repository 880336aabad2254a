"""django-anymail, whose backends speak to providers in their own way, pointed at Everpost and else as it comes."""

import asyncio
import warnings

import django.conf
import pytest
import pytest_asyncio
from msgspec.structs import asdict, replace

from dropins.conftest import opened
from everpost.entrypoints.http.door import LOCAL
from everpost.model.template import Template
from sdks import LOGO, NOTE, RICH, quoted

if not django.conf.settings.configured:
    django.conf.settings.configure()

from anymail.exceptions import AnymailAPIError, AnymailNotSupportedWarning
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
IN_HEADERS = {"X-Campaign": "spring", "X-Metadata": '{"order": "7"}', "X-Tags": '["welcome"]'}
ITS_WAY = {
    "sendgrid": lambda draft: {"metadata": {name: draft.metadata[name] for name in ("anymail_id", "order")}},
    "resend": lambda _: {"headers": IN_HEADERS, "tags": (), "metadata": {}},
    "amazon_ses": lambda draft: {
        "headers": {"X-Campaign": "spring", "X-Metadata": '{"order": "7"}', "X-Tag": "welcome"}
        | {"Message-ID": draft.headers["Message-ID"]},
        "tags": (),
        "metadata": {},
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
        already = len(self._house.sandbox.inbox)
        assert await asyncio.to_thread(self._backend.send_messages, [message]) == 1
        assert message.anymail_status.status <= {"queued", "sent"}
        return (await self._house.all_caught(already + 1))[0].draft


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


@pytest.mark.parametrize("name", BACKENDS)
async def test_a_mail_arrives_as_django_has_written_it(name, house):
    message = AnymailMessage(f"Grüße von {name} ✓", RICH.text, quoted(RICH.sender), headers=RICH.headers)
    for field in ("to", "cc", "bcc", "reply_to"):
        setattr(message, field, [quoted(each) for each in getattr(RICH, field)])
    message.attach(NOTE.filename, NOTE.content, NOTE.content_type)
    shown = message.attach_inline_image(LOGO.content, LOGO.filename)
    message.attach_alternative(f'<p>Grüße <img src="cid:{shown}"></p>', "text/html")
    message.tags, message.metadata = ["welcome"], {"order": "7"}
    draft = await Anymail(name, house).send(message)
    files = {each.content_id: each.content for each in draft.attachments}
    assert files == {None: NOTE.content, shown: LOGO.content}
    assert NOTE.filename in {each.filename for each in draft.attachments}
    meant = replace(RICH, subject=message.subject, html=draft.html, attachments=draft.attachments)
    assert asdict(draft) == asdict(meant) | ITS_WAY.get(name, lambda _: {})(draft)
    assert shown in draft.html


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
