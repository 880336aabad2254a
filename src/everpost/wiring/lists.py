"""Which providers' own lists can be read, by the name of the provider."""

from collections.abc import Mapping
from typing import Final

from everpost.providers.listing import Lists
from everpost.wiring.catalogue import Catalogue

LISTS: Final[Mapping[str, Lists]] = Catalogue(
    "everpost.providers.{}.lists",
    "LISTS",
    (
        "brevo",
        "mailersend",
        "mailgun",
        "mailtrap",
        "mandrill",
        "postmark",
        "resend",
        "scaleway",
        "sendgrid",
        "ses",
        "sparkpost",
    ),
)
