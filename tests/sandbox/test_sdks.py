"""Providers' own clients at their stand-ins: what they send arrives, and they understand what they are answered.

Each is used as it comes. Those that know no other address than their provider's are led to the sandbox below it.
"""

import asyncio
import gc
import warnings
from uuid import UUID

import mailchimp_transactional
import mailersend
import mailjet_rest
import mailtrap
import pytest
import requests
import scaleway
import scaleway.tem.v1alpha1 as tem
import sparkpost
from brevo import Brevo
from brevo.transactional_emails import types as brevo

from everpost.model.message import Draft
from everpost.sandbox.sandbox import APIS
from sdks import ANN, BOB, CLEO, NOTE, RICH, SDKS, encoded

MAIL = Draft(sender=ANN, to=(BOB,), cc=(CLEO,), subject=RICH.subject, text=RICH.text, html="<p>Zażółć gęślą</p>")
NAMED = {"email": ANN.email, "name": ANN.name}, {"email": BOB.email, "name": BOB.name}
FILE = {"filename": NOTE.filename, "content": encoded(NOTE), "type": NOTE.content_type}


class Led(requests.adapters.HTTPAdapter):
    """Brings the requests to a provider's address to its stand-in."""

    url = ""

    def send(self, request, **options):
        request.url = self.url + request.path_url
        return super().send(request, **options)


def by_brevo(url):
    (sender, to) = NAMED
    client = Brevo(api_key="key", base_url=f"{url}/v3")
    answer = client.transactional_emails.send_transac_email(
        sender=brevo.SendTransacEmailRequestSender(**sender),
        to=[brevo.SendTransacEmailRequestToItem(**to)],
        cc=[brevo.SendTransacEmailRequestCcItem(email=CLEO.email)],
        subject=MAIL.subject,
        text_content=MAIL.text,
        html_content=MAIL.html,
        attachment=[brevo.SendTransacEmailRequestAttachmentItem(name=NOTE.filename, content=encoded(NOTE))],
    )
    return answer.message_id.strip("<>")


def by_mailersend(url):
    mail = (
        mailersend.EmailBuilder()
        .from_email(ANN.email, ANN.name)
        .to(BOB.email, BOB.name)
        .cc(CLEO.email)
        .subject(MAIL.subject)
        .text(MAIL.text)
        .html(MAIL.html)
        .attach_content(NOTE.content, NOTE.filename)
        .build()
    )
    return mailersend.MailerSendClient(api_key="key", base_url=f"{url}/v1/").emails.send(mail).data["id"]


def by_mailjet(_):
    (sender, to) = ({"Email": each["email"], "Name": each["name"]} for each in NAMED)
    message = {
        "From": sender,
        "To": [to],
        "Cc": [{"Email": CLEO.email}],
        "Subject": MAIL.subject,
        "TextPart": MAIL.text,
        "HTMLPart": MAIL.html,
        "Attachments": [{"ContentType": NOTE.content_type, "Filename": NOTE.filename, "Base64Content": encoded(NOTE)}],
    }
    client = mailjet_rest.Client(auth=("key", "secret"), version="v3.1")
    answer = client.send.create(data={"Messages": [message]}).json()
    return str(answer["Messages"][0]["To"][0]["MessageID"])


def by_mailtrap(_):
    (sender, to) = (mailtrap.Address(**each) for each in NAMED)
    file = mailtrap.Attachment(content=encoded(NOTE).encode(), filename=NOTE.filename, mimetype=NOTE.content_type)
    mail = mailtrap.Mail(
        sender=sender,
        to=[to],
        cc=[mailtrap.Address(email=CLEO.email)],
        subject=MAIL.subject,
        text=MAIL.text,
        html=MAIL.html,
        attachments=[file],
    )
    return mailtrap.MailtrapClient(token="key").send(mail)["message_ids"][0]


def by_mandrill(_):
    message = {
        "from_email": ANN.email,
        "from_name": ANN.name,
        "to": [{**NAMED[1], "type": "to"}, {"email": CLEO.email, "type": "cc"}],
        "subject": MAIL.subject,
        "text": MAIL.text,
        "html": MAIL.html,
        "attachments": [{"name": NOTE.filename, "type": NOTE.content_type, "content": encoded(NOTE)}],
    }
    (first, _) = mailchimp_transactional.Client("key").messages.send({"message": message})
    assert first["status"] == "sent"
    return first["_id"]


def by_scaleway(url):
    client = scaleway.Client(
        access_key="SCW" + "X" * 17,
        secret_key=str(UUID(int=1)),
        api_url=url,
        default_region="fr-par",
        default_project_id=str(UUID(int=2)),
    )
    (sender, to) = (tem.CreateEmailRequestAddress(**each) for each in NAMED)
    file = tem.CreateEmailRequestAttachment(name=NOTE.filename, type_=NOTE.content_type, content=encoded(NOTE))
    answer = tem.TemV1Alpha1API(client).create_email(
        from_=sender,
        to=[to],
        cc=[tem.CreateEmailRequestAddress(email=CLEO.email)],
        subject=MAIL.subject,
        text=MAIL.text,
        html=MAIL.html,
        attachments=[file],
    )
    return answer.emails[0].id


def by_sparkpost(_):
    answer = sparkpost.SparkPost("key").transmissions.send(
        from_email=NAMED[0],
        recipients=[{"address": NAMED[1]}],
        cc=[CLEO.email],
        subject=MAIL.subject,
        text=MAIL.text,
        html=MAIL.html,
        attachments=[{"name": NOTE.filename, "type": NOTE.content_type, "data": encoded(NOTE)}],
    )
    assert (answer["total_accepted_recipients"], answer["total_rejected_recipients"]) == (2, 0)
    return answer["id"]


CLIENTS = {
    "brevo": by_brevo,
    "mailersend": by_mailersend,
    "mailjet": by_mailjet,
    "mailtrap": by_mailtrap,
    "mandrill": by_mandrill,
    "scaleway": by_scaleway,
    "sparkpost": by_sparkpost,
}
LED = ("mailjet", "mailtrap", "mandrill", "sparkpost")
SPOKEN = {name: "postmark" if name == "postmarker" else name for name in SDKS}  # which provider's API


@pytest.fixture(autouse=True)
def collected():
    yield
    with warnings.catch_warnings():  # the clients leave their connections to the collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.parametrize("provider", CLIENTS)
async def test_a_mail_of_the_providers_own_client_arrives_and_the_client_knows_its_id(sandbox, provider, monkeypatch):
    if provider in LED:
        monkeypatch.setattr(Led, "url", sandbox.url(provider))
        monkeypatch.setattr(requests.Session, "get_adapter", lambda *_, **__: Led())
    message_id = await asyncio.to_thread(CLIENTS[provider], sandbox.url(provider))
    (caught,) = sandbox.inbox.list()
    assert (caught.provider, caught.provider_message_id) == (provider, message_id)
    for name in ("sender", "to", "cc", "bcc", "subject", "text", "html"):
        assert getattr(caught.draft, name) == getattr(MAIL, name)
    assert [(file.filename, file.content) for file in caught.draft.attachments] == [(NOTE.filename, NOTE.content)]


@pytest.mark.parametrize(("sdk", "provider"), SPOKEN.items())
async def test_a_rich_mail_of_the_clients_that_have_a_door_arrives_at_their_providers_too(sandbox, sdk, provider):
    client = SDKS[sdk](sandbox.url(provider), "key")
    message_id = await client.send(client.rich())
    (caught,) = sandbox.inbox.list()
    assert caught.provider == provider
    assert caught.provider_message_id.startswith(message_id)
    for name in ("sender", "to", "cc", "bcc", "reply_to", "subject", "text", "html"):
        assert getattr(caught.draft, name) == getattr(RICH, name)
    assert sorted(file.content for file in caught.draft.attachments) == sorted(
        [NOTE.content, RICH.attachments[1].content]
    )


def test_every_provider_has_a_client_that_judges_its_stand_in():
    assert {*CLIENTS, *SPOKEN.values()} == APIS.keys()
