"""The official clients, each with the same mail in its own words. All of them are used as they come."""

import asyncio
import base64

import boto3
import mailgun.client
import postmark
import postmarker.core
import resend
import sendgrid
from botocore.config import Config
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


def quoted(address):
    name = f'"{address.name}"' if "," in address.name else address.name
    return f"{name} <{address.email}>" if name else address.email


def encoded(part):
    return base64.b64encode(part.content).decode()


class SendGrid:
    """Personalizations, categories and custom arguments."""

    def __init__(self, url, key):
        self.client = sendgrid.SendGridAPIClient(key, host=url)

    def rich(self):
        mail = sg.Mail(
            from_email=sg.From(ANN.email, ANN.name),
            to_emails=[sg.To(each.email, each.name) for each in RICH.to],
            subject=RICH.subject,
            plain_text_content=RICH.text,
            html_content=RICH.html,
        )
        mail.add_cc(CLEO.email)
        mail.add_bcc(DAN.email)
        mail.reply_to = sg.ReplyTo("desk@example.com", "Desk")
        mail.add_attachment(sg.Attachment(encoded(NOTE), NOTE.filename, NOTE.content_type, "attachment"))
        mail.add_attachment(sg.Attachment(encoded(LOGO), LOGO.filename, LOGO.content_type, "inline", LOGO.content_id))
        mail.add_header(sg.Header("X-Campaign", "spring"))
        mail.add_category(sg.Category("welcome"))
        mail.add_custom_arg(sg.CustomArg("order", "7"))
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
        self.client = mailgun.client.Client(auth=("api", key), api_url=url)

    def rich(self):
        data = {
            "from": quoted(ANN),
            "to": [quoted(each) for each in RICH.to],
            "cc": CLEO.email,
            "bcc": DAN.email,
            "subject": RICH.subject,
            "text": RICH.text,
            "html": RICH.html,
            "h:Reply-To": "Desk <desk@example.com>",
            "h:X-Campaign": "spring",
            "o:tag": ["welcome"],
            "v:order": "7",
        }
        kinds = (("attachment", NOTE), ("inline", LOGO))
        return data, [(kind, (part.filename, part.content, part.content_type)) for kind, part in kinds]

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

    def rich(self):
        return {
            "from": quoted(ANN),
            "to": [quoted(each) for each in RICH.to],
            "cc": CLEO.email,
            "bcc": [DAN.email],
            "reply_to": "Desk <desk@example.com>",
            "subject": RICH.subject,
            "text": RICH.text,
            "html": RICH.html,
            "headers": {"X-Campaign": "spring"},
            "tags": [{"name": "order", "value": "7"}],
            "attachments": [
                {"filename": NOTE.filename, "content": list(NOTE.content), "content_type": NOTE.content_type},
                {"filename": LOGO.filename, "content": encoded(LOGO), "content_id": LOGO.content_id},
            ],
        }

    def plain(self, to="bob@example.org", sender="ann@example.com"):
        return {"from": sender, "to": to, "subject": "Hello", "text": "It works"}

    async def send(self, mail, **options):
        return (await asyncio.to_thread(resend.Emails.send, mail, options or None))["id"]


class _PostmarkMails:
    def rich(self):
        return {
            "From": quoted(ANN),
            "To": ", ".join(map(quoted, RICH.to)),
            "Cc": CLEO.email,
            "Bcc": DAN.email,
            "ReplyTo": "Desk <desk@example.com>",
            "Subject": RICH.subject,
            "TextBody": RICH.text,
            "HtmlBody": RICH.html,
            "Headers": [{"Name": "X-Campaign", "Value": "spring"}],
            "Tag": "welcome",
            "Metadata": {"order": "7"},
            "Attachments": [
                {"Name": NOTE.filename, "Content": encoded(NOTE), "ContentType": NOTE.content_type},
                {
                    "Name": LOGO.filename,
                    "Content": encoded(LOGO),
                    "ContentType": LOGO.content_type,
                    "ContentID": f"cid:{LOGO.content_id}",
                },
            ],
        }

    def plain(self, to="bob@example.org", sender="ann@example.com"):
        return {"From": sender, "To": to, "Subject": "Hello", "TextBody": "It works"}


class Postmark(_PostmarkMails):
    """Its own client: asynchronous, and reads every answer strictly."""

    def __init__(self, url, key):
        self.client = postmark.ServerClient(key, base_url=url)

    async def send(self, mail):
        answer = await self.client.outbound.send(mail)
        assert (answer.error_code, answer.message) == (0, "OK")
        return answer.message_id


class Postmarker(_PostmarkMails):
    """The older client: sends null for what is not given, and `TrackLinks: None`."""

    def __init__(self, url, key):
        self.client = postmarker.core.PostmarkClient(server_token=key, root_api_url=url + "/")

    def rich(self):
        return super().rich() | {"Headers": RICH.headers}

    async def send(self, mail):
        answer = await asyncio.to_thread(lambda: self.client.emails.send(**mail))
        assert answer["ErrorCode"] == 0
        return answer["MessageID"]


class Ses:
    """AWS's own client. It knows no tags without values."""

    def __init__(self, url, key):
        self.client = boto3.client(
            "sesv2",
            region_name="eu-central-1",
            endpoint_url=url,
            aws_access_key_id=key,
            aws_secret_access_key="anything",
            config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
        )

    def rich(self):
        simple = {
            "Subject": {"Data": RICH.subject, "Charset": "UTF-8"},
            "Body": {"Text": {"Data": RICH.text, "Charset": "UTF-8"}, "Html": {"Data": RICH.html, "Charset": "UTF-8"}},
            "Headers": [{"Name": "X-Campaign", "Value": "spring"}],
            "Attachments": [
                {
                    "FileName": each.filename,
                    "RawContent": each.content,
                    "ContentType": each.content_type,
                    "ContentDisposition": "INLINE" if each.content_id else "ATTACHMENT",
                    "ContentTransferEncoding": "BASE64",
                    **({"ContentId": each.content_id} if each.content_id else {}),
                }
                for each in RICH.attachments
            ],
        }
        return {
            "FromEmailAddress": quoted(ANN),
            "Destination": {
                "ToAddresses": [quoted(each) for each in RICH.to],
                "CcAddresses": [CLEO.email],
                "BccAddresses": [DAN.email],
            },
            "ReplyToAddresses": ["Desk <desk@example.com>"],
            "Content": {"Simple": simple},
            "EmailTags": [{"Name": "order", "Value": "7"}],
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
