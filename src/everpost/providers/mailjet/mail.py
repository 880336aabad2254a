"""A mail as Mailjet takes it: https://dev.mailjet.com/reference/email/send-emails/"""

from base64 import b64encode
from functools import partial
from typing import Any, Final

import msgspec

from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Attachment, Draft
from everpost.providers import contract as c
from everpost.providers.fields import without_repeats
from everpost.providers.json_mail import JsonMail, address_as

RESERVED: Final = frozenset(
    {"list-id", "message-id", "sender", "user-agent", "x-mailer", "x-mj-customid", "x-mj-eventpayload"}
)
LIMITS: Final = c.Limits(recipients_max=50, content_bytes_max=10 << 20, tags_max=1)  # 15 MB of files in base64
PLACES: Final = ("Messages", "Globals")
ADDRESS: Final = partial(address_as, "Email", "Name")
OURS: Final = ("From", "Sender", "To", "Cc", "Bcc", "CustomID", "EventPayload")
OWN: Final = tuple((place, name) for place in PLACES for name in OURS)
LINES: Final = tuple((place, name) for place in PLACES for name in ("Subject", "Headers"))


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    to, cc, bcc = ([ADDRESS(each) for each in group] for group in without_repeats(message))
    variables = message.metadata | {CORRELATION_KEY: delivery_id}
    body = {
        "From": ADDRESS(message.sender),
        "To": to,
        "Cc": cc,
        "Bcc": bcc,
        "ReplyTo": ADDRESS(message.reply_to[0]) if message.reply_to else None,
        "Subject": message.subject,
        "TextPart": message.text,
        "HTMLPart": message.html,
        "Attachments": [_file(part) for part in message.attachments if part.content_id is None],
        "InlinedAttachments": [_file(part) for part in message.attachments if part.content_id is not None],
        "Headers": message.headers,
        "CustomCampaign": next(iter(LIMITS.kept(message.tags)), None),
        "CustomID": delivery_id,
        "EventPayload": msgspec.json.encode(variables).decode(),
    }
    return {"Messages": [{name: value for name, value in body.items() if value}]}


MAIL: Final = JsonMail(
    name="mailjet",
    body=_body,
    own=OWN,
    lines=LINES,
    texts=(("Messages", "TextPart"), ("Messages", "HTMLPart"), ("Messages", "TemplateID")),
    reserved=RESERVED,
    reply_to_max=1,
    subject_chars_max=255,
)


def _file(part: Attachment) -> dict[str, str]:
    file = {"ContentType": part.content_type, "Filename": part.filename}
    file["Base64Content"] = b64encode(part.content).decode()
    return file if part.content_id is None else file | {"ContentID": part.content_id}
