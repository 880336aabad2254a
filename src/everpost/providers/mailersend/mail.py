"""A mail as MailerSend takes it: https://developers.mailersend.com/api/v1/email.html"""

from base64 import b64encode
from typing import Any, Final

from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers.fields import header_of, without_repeats
from everpost.providers.json_mail import JsonMail, address_as

NAMED_HEADERS: Final = ("in-reply-to", "references")  # these have a field of their own
LIMITS: Final = c.Limits(
    recipients_max=70,
    content_bytes_max=17 << 20,  # 25 MB in base64
    tags_max=4,  # the fifth is ours
    metadata=False,
    file_types=c.FileTypes.BY_NAME,
)


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    to, cc, bcc = ([address_as("email", "name", each) for each in group] for group in without_repeats(message))
    others = ((name, value) for name, value in message.headers.items() if name.lower() not in NAMED_HEADERS)
    body = {
        "from": address_as("email", "name", message.sender),
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "reply_to": address_as("email", "name", message.reply_to[0]) if message.reply_to else None,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": [
            {
                "filename": part.filename,
                "content": b64encode(part.content).decode(),
                "disposition": "attachment" if part.content_id is None else "inline",
                **({} if part.content_id is None else {"id": part.content_id}),
            }
            for part in message.attachments
        ],
        "in_reply_to": header_of(message, "in-reply-to"),
        "references": (header_of(message, "references") or "").split(),
        "headers": [{"name": key, "value": text} for key, text in others],
        "tags": [*LIMITS.kept(message.tags), delivery_id],
    }
    return {name: value for name, value in body.items() if value}


MAIL: Final = JsonMail(
    name="mailersend",
    body=_body,
    own=(("from",), ("to",), ("cc",), ("bcc",), ("tags",)),
    lines=(("subject",), ("headers",), ("in_reply_to",), ("references",), ("list_unsubscribe",)),
    texts=(("text",), ("html",), ("template_id",)),
    reserved=frozenset({"message-id", "sender"}),
    reply_to_max=1,
    subject_chars_max=998,
)
