"""A mail as Mandrill takes it: https://mailchimp.com/developer/transactional/api/messages/"""

from base64 import b64encode
from typing import Any, Final

from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Attachment, Draft
from everpost.providers import contract as c
from everpost.providers.fields import quoted_mailbox, without_repeats
from everpost.providers.json_mail import JsonMail

LIMITS: Final = c.Limits(
    recipients_max=1000,
    content_bytes_max=17 << 20,  # 25 MB in base64
    not_raw="it writes To and Cc of such a mail anew, and shows those who get it unseen",
    tags_max=10,
    tag_bytes_max=50,
    inline_names=False,
)
OURS: Final = ("from_email", "from_name", "to", "bcc_address", "preserve_recipients", "recipient_metadata")


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    named = zip(("to", "cc", "bcc"), without_repeats(message), strict=True)
    answers = ", ".join(quoted_mailbox(each) for each in dict.fromkeys(message.reply_to))
    body = {
        "from_email": message.sender.email,
        "from_name": message.sender.name,
        "to": [{"email": each.email, "name": each.name, "type": kind} for kind, group in named for each in group],
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": [_file(part, part.filename) for part in message.attachments if part.content_id is None],
        "images": [_file(part, part.content_id) for part in message.attachments if part.content_id is not None],
        "headers": message.headers | ({"Reply-To": answers} if answers else {}),
        "tags": LIMITS.kept(message.tags),
        "metadata": message.metadata | {CORRELATION_KEY: delivery_id},
        "preserve_recipients": True,  # all stand in one To and one Cc
    }
    return {"message": {name: value for name, value in body.items() if value}}


MAIL: Final = JsonMail(
    name="mandrill",
    body=_body,
    own=(("key",), *(("message", name) for name in OURS), ("message", "metadata", CORRELATION_KEY)),
    lines=(("message", "subject"), ("message", "headers")),
    texts=(("message", "text"), ("message", "html")),
    subject_chars_max=998,
    inline_types="image/",
)


def _file(part: Attachment, name: str) -> dict[str, str]:
    return {"type": part.content_type, "name": name, "content": b64encode(part.content).decode()}
