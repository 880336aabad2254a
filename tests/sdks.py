"""The official clients, each with the same mail in its own words. All of them are used as they come."""

import asyncio
import base64

import boto3
import mailgun.client
import mailgun.config
import postmark
import postmarker.core
import resend
import sendgrid
from botocore.config import Config
from msgspec.structs import replace
from sendgrid.helpers import mail as sg

from everpost.model.message import Address, Attachment, Draft

ANN = Address("ann@example.com", "Ann Größe")
BOB, ZOE = Address("bob@example.org", "Bob"), Address("zoe@example.org", "Łukasz, Q.")
CLEO, DAN = Address("cleo@example.org"), Address("dan@example.org")
NOTE = Attachment(filename="about us.txt", content_type="text/plain", content="Über\r\nuns".encode())
LOGO = Attachment(filename="logo.png", content_type="image/png", content=b"\x89PNG\r\n\x1a\n\0", content_id="logo.png")
RICH = Draft(
    sender=ANN,
    to=(BOB, ZOE),
    cc=(CLEO,),
    bcc=(DAN,),
    reply_to=(Address("desk@example.com", "Desk"),),
    subject="Grüße ✓",
    text="Zażółć gęślą jaźń",
    html='<p>Grüße <img src="cid:logo.png"></p>',
    attachments=(NOTE, LOGO),
    headers={"X-Campaign": "spring"},
    tags=("welcome",),
    metadata={"order": "7"},
)

SCRIPTS = Draft(
    sender=Address("ann@example.com", "Ánna Größe"),
    to=(Address("bob@example.org", "Łukasz, Q."), Address("zoe@xn--bcher-kva.example.org", "Ζωή")),
    cc=(Address("cleo@example.org", "Клео"),),
    bcc=(Address("dan@example.org", "丹"),),
    reply_to=(Address("desk@example.com", "Übersee"),),
    subject="Grüße ✓ 日本 😀",
    text="Zażółć gęślą jaźń, 日本 😀",
    html='<p>Grüße 😀 <img src="cid:logo.png"></p>',
    attachments=(replace(NOTE, filename="Żółć ✓.txt"), LOGO),
    headers={"X-Campaign": "Frühling ✓"},
    tags=("früh ✓",),
    metadata={"order": "żółć 日本"},
)
"""A mail that leaves ASCII wherever it can."""


def quoted(address):
    name = f'"{address.name}"' if "," in address.name else address.name
    return f"{name} <{address.email}>" if name else address.email


def listed(addresses):
    return ", ".join(map(quoted, addresses))


def pairs(values, name, value):
    return [{name: each, value: values[each]} for each in values]


def encoded(part):
    return base64.b64encode(part.content).decode()


class SendGrid:
    """Personalizations, categories and custom arguments."""

    def __init__(self, url, key):
        self.client = sendgrid.SendGridAPIClient(key, host=url)

    def hurry(self, within_s):
        self.client.client.timeout = within_s

    def rich(self, rich=RICH):
        [answers] = rich.reply_to
        mail = sg.Mail(
            from_email=sg.From(rich.sender.email, rich.sender.name),
            to_emails=[sg.To(each.email, each.name) for each in rich.to],
            subject=rich.subject,
            plain_text_content=rich.text,
            html_content=rich.html,
        )
        mail.cc = [sg.Cc(each.email, each.name) for each in rich.cc]
        mail.bcc = [sg.Bcc(each.email, each.name) for each in rich.bcc]
        mail.reply_to = sg.ReplyTo(answers.email, answers.name)
        for each in rich.attachments:
            way = ("inline", each.content_id) if each.content_id else ("attachment",)
            mail.add_attachment(sg.Attachment(encoded(each), each.filename, each.content_type, *way))
        for name, value in rich.headers.items():
            mail.add_header(sg.Header(name, value))
        for tag in rich.tags:
            mail.add_category(sg.Category(tag))
        for name, value in rich.metadata.items():
            mail.add_custom_arg(sg.CustomArg(name, value))
        return mail

    def plain(self, to="bob@example.org", sender="ann@example.com"):
        return sg.Mail(sender, to, "Hello", "It works")

    async def send(self, mail):
        answer = await asyncio.to_thread(self.client.send, mail)
        assert (answer.status_code, answer.body) == (202, b"")
        return answer.headers["X-Message-Id"]


class Mailgun:
    """Urlencoded without files, multipart with them."""

    def __init__(self, url, key):
        self._at = {"auth": ("api", key), "api_url": url}
        self.client = mailgun.client.Client(**self._at)

    def hurry(self, within_s):
        self.client = mailgun.client.Client(**self._at, timeout=(10.0, within_s))

    def once(self):
        self.client = mailgun.client.Client(**self._at, retry_policy=mailgun.config.RetryPolicy(max_retries=0))

    def rich(self, rich=RICH):
        data = {
            "from": quoted(rich.sender),
            "to": [quoted(each) for each in rich.to],
            "cc": [quoted(each) for each in rich.cc],
            "bcc": [quoted(each) for each in rich.bcc],
            "subject": rich.subject,
            "text": rich.text,
            "html": rich.html,
            "h:Reply-To": listed(rich.reply_to),
            "o:tag": list(rich.tags),
            **{f"h:{name}": value for name, value in rich.headers.items()},
            **{f"v:{name}": value for name, value in rich.metadata.items()},
        }
        files = [("inline" if each.content_id else "attachment", each) for each in rich.attachments]
        return data, [(kind, (part.filename, part.content, part.content_type)) for kind, part in files]

    def plain(self, to="bob@example.org", sender="ann@example.com"):
        return {"from": sender, "to": to, "subject": "Hello", "text": "It works"}, None

    async def answer(self, mail):
        data, files = mail
        return await asyncio.to_thread(self.client.messages.create, data=data, files=files, domain="mg.example.com")

    async def send(self, mail):
        answer = await self.answer(mail)
        assert answer.status_code == 200, answer.text
        assert answer.json()["message"] == "Queued. Thank you."
        return answer.json()["id"].strip("<>").partition("@")[0]


class Resend:
    """Tags have names and values, as metadata has."""

    def __init__(self, url, key):
        resend.api_url, resend.api_key = url, key
        resend.default_http_client = resend.RequestsClient()

    def hurry(self, within_s):
        resend.default_http_client = resend.RequestsClient(timeout=within_s)

    def rich(self, rich=RICH):
        """Content in both forms that it may have: bytes as numbers, and base64."""
        return {
            "from": quoted(rich.sender),
            "to": [quoted(each) for each in rich.to],
            "cc": listed(rich.cc),
            "bcc": [quoted(each) for each in rich.bcc],
            "reply_to": listed(rich.reply_to),
            "subject": rich.subject,
            "text": rich.text,
            "html": rich.html,
            "headers": rich.headers,
            "tags": pairs(rich.metadata, "name", "value"),
            "attachments": [
                {"filename": each.filename, "content": encoded(each), "content_id": each.content_id}
                if each.content_id
                else {"filename": each.filename, "content": list(each.content), "content_type": each.content_type}
                for each in rich.attachments
            ],
        }

    def plain(self, to="bob@example.org", sender="ann@example.com"):
        return {"from": sender, "to": to, "subject": "Hello", "text": "It works"}

    async def send(self, mail, **options):
        return (await asyncio.to_thread(resend.Emails.send, mail, options or None))["id"]


class _PostmarkMails:
    def rich(self, rich=RICH):
        return {
            "From": quoted(rich.sender),
            "To": listed(rich.to),
            "Cc": listed(rich.cc),
            "Bcc": listed(rich.bcc),
            "ReplyTo": listed(rich.reply_to),
            "Subject": rich.subject,
            "TextBody": rich.text,
            "HtmlBody": rich.html,
            "Headers": pairs(rich.headers, "Name", "Value"),
            "Tag": rich.tags[0],
            "Metadata": rich.metadata,
            "Attachments": [
                {
                    "Name": each.filename,
                    "Content": encoded(each),
                    "ContentType": each.content_type,
                    **({"ContentID": f"cid:{each.content_id}"} if each.content_id else {}),
                }
                for each in rich.attachments
            ],
        }

    def plain(self, to="bob@example.org", sender="ann@example.com"):
        return {"From": sender, "To": to, "Subject": "Hello", "TextBody": "It works"}


class Postmark(_PostmarkMails):
    """Its own client: asynchronous, and reads every answer strictly."""

    def __init__(self, url, key):
        self._at = {"server_token": key, "base_url": url}
        self.client = postmark.ServerClient(**self._at)

    def hurry(self, within_s):
        self.client = postmark.ServerClient(**self._at, timeout=within_s)

    def once(self):
        self.client = postmark.ServerClient(**self._at, retries=0)

    async def send(self, mail):
        answer = await self.client.outbound.send(mail)
        assert (answer.error_code, answer.message) == (0, "OK")
        return answer.message_id


class Postmarker(_PostmarkMails):
    """The older client: sends null for what is not given, and `TrackLinks: None`."""

    def __init__(self, url, key):
        self._at = {"server_token": key, "root_api_url": url + "/"}
        self.client = postmarker.core.PostmarkClient(**self._at)

    def hurry(self, within_s):
        self.client = postmarker.core.PostmarkClient(**self._at, timeout=within_s)

    def rich(self, rich=RICH):
        return super().rich(rich) | {"Headers": rich.headers}

    async def send(self, mail):
        answer = await asyncio.to_thread(lambda: self.client.emails.send(**mail))
        assert answer["ErrorCode"] == 0
        return answer["MessageID"]


class Ses:
    """AWS's own client. It knows no tags without values."""

    def __init__(self, url, key):
        self._at = {"endpoint_url": url, "aws_access_key_id": key, "aws_secret_access_key": "anything"}
        self.client = self._made(3)

    def hurry(self, within_s):
        self.client = self._made(3, read_timeout=within_s)

    def once(self):
        self.client = self._made(1)

    def _made(self, tries, **config):
        told = Config(retries={"mode": "standard", "total_max_attempts": tries}, **config)
        return boto3.client("sesv2", region_name="eu-central-1", config=told, **self._at)

    def rich(self, rich=RICH):
        simple = {
            "Subject": {"Data": rich.subject, "Charset": "UTF-8"},
            "Body": {"Text": {"Data": rich.text, "Charset": "UTF-8"}, "Html": {"Data": rich.html, "Charset": "UTF-8"}},
            "Headers": pairs(rich.headers, "Name", "Value"),
            "Attachments": [
                {
                    "FileName": each.filename,
                    "RawContent": each.content,
                    "ContentType": each.content_type,
                    "ContentDisposition": "INLINE" if each.content_id else "ATTACHMENT",
                    "ContentTransferEncoding": "BASE64",
                    **({"ContentId": each.content_id} if each.content_id else {}),
                }
                for each in rich.attachments
            ],
        }
        return {
            "FromEmailAddress": quoted(rich.sender),
            "Destination": {
                "ToAddresses": [quoted(each) for each in rich.to],
                "CcAddresses": [quoted(each) for each in rich.cc],
                "BccAddresses": [quoted(each) for each in rich.bcc],
            },
            "ReplyToAddresses": [quoted(each) for each in rich.reply_to],
            "Content": {"Simple": simple},
            "EmailTags": pairs(rich.metadata, "Name", "Value"),
        }

    def plain(self, to="bob@example.org", sender="ann@example.com"):
        simple = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "It works"}}}
        return {
            "FromEmailAddress": sender,
            "Destination": {"ToAddresses": [to]},
            "Content": {"Simple": simple},
        }

    async def send(self, mail):
        return (await asyncio.to_thread(lambda: self.client.send_email(**mail)))["MessageId"]


SDKS = {
    "sendgrid": SendGrid,
    "mailgun": Mailgun,
    "resend": Resend,
    "postmark": Postmark,
    "postmarker": Postmarker,
    "ses": Ses,
}
