"""A mail as SparkPost takes it: https://developers.sparkpost.com/api/transmissions/

A mail that goes out as it stands is a text in JSON (`email_rfc822`), with its own header: none is written for it. That
is read for variables all the same, so that one with `{{` in it is not handed over; in the body they are switched off,
as is all that would rewrite links or add a picture.
"""

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
    raw=True,
    tags_max=1,
    tag_bytes_max=64,
    inline_names=False,
    headers_dropped=frozenset({"list-unsubscribe"}),
)
VARIABLE: Final = "SparkPost would read {{ in a header as the beginning of a variable"
OWN: Final = (("recipients",), ("content", "from"), ("content", "email_rfc822"), ("metadata", CORRELATION_KEY))


def whole(message: Draft, delivery_id: str) -> dict[str, Any]:
    """The body with what provider_options say in it."""
    return (AS_IT_STANDS if message.is_raw else MAIL).whole(message, delivery_id)


def fault(message: Draft) -> str | None:
    return _fault_as_it_stands(message) if message.is_raw else _fault_of_parts(message)


def _fault_as_it_stands(message: Draft) -> str | None:
    mail = message.raw
    if not mail.isascii():
        return "SparkPost takes a whole mail as a text, which must be ASCII: encode its parts"
    if mail.find(b"{{", 0, mail.find(b"\r\n\r\n")) >= 0:
        return VARIABLE
    return AS_IT_STANDS.fault(message)


def _fault_of_parts(message: Draft) -> str | None:
    names = (address.name for address in (message.sender, *message.recipients, *message.reply_to))
    if any("{{" in line for line in (message.subject, *message.headers.values(), *names)):
        return VARIABLE
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


def _body_as_it_stands(message: Draft, delivery_id: str) -> dict[str, Any]:
    options = {"transactional": True, "perform_substitutions": False, "open_tracking": False, "click_tracking": False}
    body = {
        "recipients": [{"address": {"email": each.email}} for group in without_repeats(message) for each in group],
        "content": {"email_rfc822": message.raw.decode("ascii")},
        "metadata": message.metadata | {CORRELATION_KEY: delivery_id},
        "options": options,
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
AS_IT_STANDS: Final = JsonMail(
    name="sparkpost",
    body=_body_as_it_stands,
    own=(("recipients",), ("content",), ("metadata", CORRELATION_KEY)),
    lines=(),
    texts=(("content", "email_rfc822"),),
    takes_raw=True,
)
