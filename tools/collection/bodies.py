"""Bodies and headers that several scenarios share."""

import json
from collections.abc import Mapping
from typing import Any, Final

TAG: Final = "postman-{{run}}"
HOUR: Final = "{{inAnHour}}"
WAIT: Final[Mapping[str, str]] = {"Prefer": "wait=20"}
REPLAYED: Final = {"Idempotency-Replayed": "^true$"}

MAIL: Final[Mapping[str, Any]] = {
    "from": "Ann <ann@example.com>",
    "to": ["bob@example.org"],
    "subject": "Hello",
    "text": "It works",
    "tags": [TAG],
}
"""By the native API."""

FULL: Final = {
    "from": {"email": "ann@example.com", "name": "Ann"},
    "to": ["Bob <bob@example.org>", {"email": "carol@example.org"}],
    "cc": "dan@example.org",
    "bcc": ["eve@example.org"],
    "reply_to": "support@example.com",
    "subject": "Zoë's invoice: 42 €",
    "text": "In the attachment.",
    "html": '<p>In the attachment. <img src="cid:logo"></p>',
    "attachments": [
        {"filename": "invoice.txt", "content": "NDIg4oKs"},
        {
            "filename": "logo.png",
            "content": "iVBORw0KGgo=",
            "content_type": "image/png",
            "content_id": "logo",
        },
    ],
    "headers": {"X-Order": "42"},
    "tags": [TAG, "invoice"],
    "metadata": {"order": "42"},
    "send_at": "{{aMinuteAgo}}",
    "expires_at": HOUR,
    "route": "default",
    "on_unknown": "hold",
    "resolve_within_s": 60,
}

ORIGINAL: Final[Mapping[str, Any]] = {
    "from": "ann@example.com",
    "to": "bob@example.org",
    "subject": "Hello",
    "text": "It works",
}
"""By the original API."""


def keyed(name: str) -> Mapping[str, str]:
    """A key that is this run's own."""
    return {"Idempotency-Key": f"{name}-{{{{run}}}}"}


def expression(text: str) -> str:
    """A text with variables, for a script."""
    return f"pm.variables.replaceIn({json.dumps(text)})"
