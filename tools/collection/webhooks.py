"""What providers send by themselves."""

from typing import Final

from collection.scenario import Chapter, Key, Need, Scenario
from collection.systematic import TOO_LARGE

CHAPTER: Final = Chapter(
    name="Webhooks",
    words="Nobody but a provider can sign what an account takes, so all of this is refused.",
    scenarios=(
        Scenario(
            operation="takeWebhook",
            name="Events that nobody has signed",
            places={"account": "sendgrid"},
            body=[{"event": "bounce", "email": "bob@example.org", "timestamp": 1767225600}],
            key=Key.NONE,
            code="webhook_refused",
        ),
        Scenario(
            operation="takeWebhook",
            name="Events of an account that is not there",
            places={"account": "nobody-has-made-it"},
            body=[],
            key=Key.NONE,
            code="not_found",
        ),
        Scenario(
            operation="takeWebhook",
            name="More than is read",
            places={"account": "sendgrid"},
            headers={"Content-Length": TOO_LARGE},
            key=Key.NONE,
            needs=(Need.DIRECT,),
            code="body_too_large",
        ),
    ),
)
