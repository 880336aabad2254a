"""A mail as SparkPost takes it: https://developers.sparkpost.com/api/transmissions/"""

from base64 import b64encode
from typing import Any, Final

from everpost.model.ids import CORRELATION_KEY
from everpost.model.limits import RECIPIENTS_MAX
from everpost.model.message import Attachment, Draft
from everpost.providers import contract as c
from everpost.providers.fields import mailbox_line, without_repeats
from everpost.providers.json_mail import JsonMail, address_as
from everpost.providers.options import below

LIMITS: Final = c.Limits(
    recipients_max=RECIPIENTS_MAX,
    content_bytes_max=14 << 20,  # 20 MB in base64
    tags_max=1,
    tag_bytes_max=64,
    inline_names=False,
    headers_dropped=frozenset({"list-unsubscribe"}),
)
OWN: Final = (("recipients",), ("content", "from"), ("content", "email_rfc822"), ("metadata", CORRELATION_KEY))


def fault(message: Draft) -> str | None:
    names = (address.name for address in (message.sender, *message.recipients, *message.reply_to))
    if any("{{" in line for line in (message.subject, *message.headers.values(), *names)):
        return "SparkPost would read {{ in a header as the beginning of a variable"
    if below(message.provider_options, ("sparkpost", "content", "template_id")) and _has_content(message):
        return "SparkPost leaves out text, files and headers beside a template"
    return MAIL.fault(message)


def _has_content(message: Draft) -> bool:
    return bool(message.text or message.html or message.attachments or message.headers)


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    to, cc, bcc = without_repeats(message)
    shown = mailbox_line(to)  # to everybody
    body = {
        "recipients": [{"address": {"email": each.email, "header_to": shown}} for each in (*to, *cc, *bcc)],
        "content": _content(message, {"CC": mailbox_line(cc)} if cc else {}),
        "metadata": message.metadata | {CORRELATION_KEY: delivery_id},
        "options": {"transactional": True, "perform_substitutions": False},
        "campaign_id": next(iter(LIMITS.kept(message.tags)), None),
    }
    return {name: value for name, value in body.items() if value}


def _content(message: Draft, cc: dict[str, str]) -> dict[str, Any]:
    content = {
        "from": address_as("email", "name", message.sender),
        "text": message.text,
        "html": message.html,
        "reply_to": mailbox_line(message.reply_to),
        "headers": message.headers | cc,
        "attachments": [_file(part) for part in message.attachments if part.content_id is None],
        "inline_images": [_file(part) for part in message.attachments if part.content_id is not None],
    }
    return {"subject": message.subject} | {name: value for name, value in content.items() if value}


def _file(part: Attachment) -> dict[str, str]:
    data = b64encode(part.content).decode()
    return {"name": part.content_id or part.filename, "type": part.content_type, "data": data}


MAIL: Final = JsonMail(
    name="sparkpost",
    body=_body,
    own=OWN,
    lines=(("content", "subject"), ("content", "headers"), ("content", "reply_to")),
    texts=(("content", "text"), ("content", "html"), ("content", "template_id")),
)
