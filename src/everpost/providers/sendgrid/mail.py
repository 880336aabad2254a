"""A mail as SendGrid takes it: https://www.twilio.com/docs/sendgrid/api-reference/mail-send"""

from base64 import b64encode
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers.fields import fault_of, needs_to, without_repeats
from everpost.providers.json_mail import address_as
from everpost.providers.options import merge_fault, merged

NAME: Final = "sendgrid"
ADDRESS: Final = partial(address_as, "email", "name")
RESERVED_HEADERS: Final = ("x-sg-id", "x-sg-eid")  # the rest of its list is refused for every provider
LIMITS: Final = c.Limits(
    recipients_max=1000,
    content_bytes_max=22 << 20,  # 30 MiB in all, in base64
    tags_max=10,
    file_types=c.FileTypes.NO_CHARSET,
    file_names_ascii=True,
)
GROUP: Final = "personalizations"
OUR_IDS: Final = (("custom_args", CORRELATION_KEY), (GROUP, "custom_args", CORRELATION_KEY))
OWN: Final = (("from",), ("mail_settings", "bcc"), *((GROUP, name) for name in ("from", "to", "cc", "bcc")), *OUR_IDS)
LINES: Final = (("subject",), ("headers",), (GROUP, "subject"), (GROUP, "headers"))


def whole(message: Draft, delivery_id: str) -> dict[str, Any]:
    """The body with what provider_options say in it."""
    found: dict[str, Any] = merged(_body(message, delivery_id), message.provider_options.get(NAME, {}))
    return found


def fault(message: Draft) -> str | None:
    if not (message.provider_options or message.attachments) and message.subject and (message.text or message.html):
        return fault_of(message, RESERVED_HEADERS) or needs_to(message)  # nothing else can be wrong with a plain mail
    ours = _body(replace(message, attachments=()), "")  # files play no part, and may be large
    whole = merged(ours, message.provider_options.get(NAME, {}))
    reason = fault_of(message, RESERVED_HEADERS) or needs_to(message) or merge_fault(ours, whole, OWN, LINES)
    if not reason and "template_id" not in whole and not ("subject" in whole and "content" in whole):
        return "SendGrid needs a subject and a text"
    return reason or (None if all(a.content for a in message.attachments) else "SendGrid takes no empty attachments")


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    named = zip(("to", "cc", "bcc"), without_repeats(message), strict=True)
    envelope = {name: [ADDRESS(each) for each in group] for name, group in named if group}
    content = (("text/plain", message.text), ("text/html", message.html))
    body = {
        # Those of the whole mail would be overridden by any that provider_options add here.
        GROUP: [envelope | {"custom_args": message.metadata | {CORRELATION_KEY: delivery_id}}],
        "from": ADDRESS(message.sender),
        "reply_to_list": [ADDRESS(each) for each in dict.fromkeys(message.reply_to)],
        "subject": message.subject,
        "content": [{"type": kind, "value": text} for kind, text in content if text],
        "attachments": [
            {
                "content": b64encode(part.content).decode(),
                "type": part.content_type,
                "filename": part.filename,
                **({} if part.content_id is None else {"disposition": "inline", "content_id": part.content_id}),
            }
            for part in message.attachments
        ],
        "headers": message.headers,
        "categories": list(dict.fromkeys(message.tags)),
    }
    return {name: value for name, value in body.items() if value}
