"""What SendGrid's clients ask of their account before they send:
https://www.twilio.com/docs/sendgrid/api-reference/users-api

A key is of a project, which has neither a person nor a bill. Credits are what Everpost would take, which is all.
"""

from typing import Final

from everpost.dialects.answers import Rendered, render_json
from everpost.dialects.dropins.contract import Row, Sum, Tell
from everpost.model.key import Scope

CREDITS: Final = 2**31 - 1
_PROFILE: Final = [
    "address",
    "address2",
    "city",
    "company",
    "country",
    "first_name",
    "last_name",
    "phone",
    "state",
    "website",
    "zip",
]


def _account(_scope: Scope) -> Rendered:
    return render_json(200, {"type": "paid", "reputation": 100.0})


def _profile(_scope: Scope) -> Rendered:
    return render_json(200, dict.fromkeys(_PROFILE, ""))


def _credits(sent: int) -> Rendered:
    """Counted for a day: no client needs more than to see that there are some."""
    told = {"remain": CREDITS - sent, "total": CREDITS, "overage": 0, "used": sent, "reset_frequency": "daily"}
    return render_json(200, told)


ROWS: Final = (
    Row(method="GET", path="/v3/user/account", scope=Scope.READ, does=Tell(_account)),
    Row(method="GET", path="/v3/user/profile", scope=Scope.READ, does=Tell(_profile)),
    Row(method="GET", path="/v3/user/credits", scope=Scope.READ, does=Sum(_credits)),
)
