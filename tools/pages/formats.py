"""webhook-formats.md: which of our events each format of outgoing webhooks has a word for, by what is written."""

import json
from collections.abc import Callable
from typing import Any, Final

from pages import markdown

from everpost.dialects.notices.table import WRITERS
from everpost.model.event import Event, EventType
from everpost.model.message import Address, Message
from everpost.model.told import Told
from everpost.model.webhook import SigningKey
from everpost.webhooks.signing import secret_of
from everpost.webhooks.writing import Sealing

_AT: Final = 1_767_225_600.0
_MAIL: Final = Message(id="em_1", project="p", created_at=_AT, sender=Address("a@example.com"), to=(Address("b@c.d"),))
_SEALING: Final = Sealing(keys=(SigningKey(secret_of(bytes(32))),), at=_AT)
_TITLES: Final = {
    "sendgrid": "SendGrid",
    "mailgun": "Mailgun",
    "postmark": "Postmark",
    "resend": "Resend",
    "ses": "Amazon SES",
}
_WORDS: Final[dict[str, Callable[[Any], list[str | None]]]] = {  # where a body says what it is
    "sendgrid": lambda body: [body[0]["event"]],
    "mailgun": lambda body: [body["event-data"]["event"], body["event-data"].get("severity")],
    "postmark": lambda body: [body["RecordType"], body.get("Type")],
    "resend": lambda body: [body["type"]],
    "ses": lambda body: [json.loads(body["Message"])["eventType"]],
}


def page() -> str:
    told = [type_ for type_ in EventType if any(type_ in writer.types for writer in WRITERS.values())]
    return markdown.page(
        "Formats of webhooks",
        "What a [webhook](../webhooks.md#in-a-providers-format) whose `format` is a provider's is told of our "
        "[events](events.md), by that provider's names. What has no name there is not posted, nor is any other event.",
        markdown.table(
            ("event", *(_TITLES[name] for name in WRITERS)),
            ([markdown.code(type_.value), *(_word(name, type_) for name in WRITERS)] for type_ in told),
        ),
        "The reason may change the name: at Postmark it tells the `Type` of a bounce; for an address that is on a list "
        "it is `email.suppressed` at Resend, `Bounce` or `Complaint` with `OnAccountSuppressionList` at Amazon SES. "
        "Who leaves a group is `group_unsubscribe` at SendGrid; a mail with `send_at` is `email.scheduled` at Resend.",
    )


def _word(name: str, type_: EventType) -> str:
    if type_ not in WRITERS[name].types:
        return ""
    event = Event(id="em_1.0:1", type=type_, at=_AT, project="p", message_id="em_1", data={"place": 0})
    (post,) = WRITERS[name].posts(Told(1, event, _MAIL, ()), _SEALING)
    return markdown.code("/".join(filter(None, _WORDS[name](json.loads(post.body)))))
