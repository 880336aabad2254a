"""A mail as SES takes it: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html"""

import re
from base64 import b64encode
from typing import Any, Final

from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Draft
from everpost.providers.fields import without_repeats
from everpost.providers.mime import ascii_mailbox, mime_fault, render_mime
from everpost.providers.options import merge_fault, merged

NAME: Final = "ses"
ID_HEADER: Final = "X-Everpost-Id"
OWN: Final = (("FromEmailAddress",), ("Destination",), ("ReplyToAddresses",))
TAGS_MAX: Final = 49  # beside ours
TAG: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
NAME_CHARS_MAX, VALUE_CHARS_MAX = 126, 870  # of a header in simple content


def whole(message: Draft, delivery_id: str) -> dict[str, Any]:
    """The body with what provider_options say in it."""
    options = message.provider_options.get(NAME, {})
    tag = {"Name": CORRELATION_KEY, "Value": delivery_id.replace(".", "-")}  # it takes no dot
    own = [{"Name": name, "Value": value} for name, value in message.metadata.items() if _is_tag(name, value)]
    found = {
        **({"Content": _content(message, delivery_id)} | options),
        **_envelope(message),
        "EmailTags": [tag, *own[:TAGS_MAX], *options.get("EmailTags", [])],
    }
    if "Raw" in found["Content"]:  # which names them itself
        found.pop("ReplyToAddresses", None)
    return found


def _is_tag(name: str, value: str) -> bool:
    """Metadata of other forms can't be kept there."""
    return TAG.fullmatch(name) is not None and TAG.fullmatch(value) is not None


def fault(message: Draft) -> str | None:
    options = message.provider_options.get(NAME, {})
    content, tags = options.get("Content", {"Template": {}}), options.get("EmailTags", [])
    if not (isinstance(content, dict) and [*content] == ["Template"] and isinstance(tags, list)):
        return "SES takes provider_options with a list of EmailTags, and with a Template as their only Content"
    if "Content" in options and (message.attachments or message.headers):
        return "a template of SES can't be joined by files and headers of the mail"
    ours = _envelope(message)
    return mime_fault(message) or merge_fault(ours, merged(ours, options), OWN, ())


def _envelope(message: Draft) -> dict[str, Any]:
    groups = zip(("ToAddresses", "CcAddresses", "BccAddresses"), without_repeats(message), strict=True)
    named = {name: [ascii_mailbox(each) for each in group] for name, group in groups if group}
    envelope = {"FromEmailAddress": ascii_mailbox(message.sender), "Destination": named}
    replies = [ascii_mailbox(each) for each in dict.fromkeys(message.reply_to)]
    return envelope | ({"ReplyToAddresses": replies} if replies else {})


def _content(message: Draft, delivery_id: str) -> dict[str, Any]:
    """Simple, or a whole mail of our own where that can't hold it: files, and headers that SES would not take."""
    if not _is_simple(message):
        return {"Raw": {"Data": b64encode(render_mime(message, delivery_id)).decode()}}
    bodies = {name: _text(text) for name, text in (("Text", message.text), ("Html", message.html)) if text}
    headers = message.headers | {ID_HEADER: delivery_id}
    listed = [{"Name": name, "Value": value} for name, value in headers.items() if name.lower() != "message-id"]
    return {"Simple": {"Subject": _text(message.subject), "Body": bodies, "Headers": listed}}


def _is_simple(message: Draft) -> bool:
    plain = all(
        len(name) <= NAME_CHARS_MAX and len(value) <= VALUE_CHARS_MAX and value.isascii() and value.strip()
        for name, value in message.headers.items()
    )
    return plain and not message.attachments and bool(message.text or message.html)


def _text(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
