"""Which providers' own lists can be read, by the name of the provider."""

from collections.abc import Mapping
from typing import Final

from everpost.providers import (
    brevo_lists,
    mailersend_lists,
    mailgun_lists,
    mailtrap_lists,
    mandrill_lists,
    postmark_lists,
    resend_lists,
    scaleway_lists,
    sendgrid_lists,
    ses_lists,
    sparkpost_lists,
)
from everpost.providers.listing import Lists

LISTS: Final[Mapping[str, Lists]] = {
    "brevo": brevo_lists.LISTS,
    "mailersend": mailersend_lists.LISTS,
    "mailgun": mailgun_lists.LISTS,
    "mailtrap": mailtrap_lists.LISTS,
    "mandrill": mandrill_lists.LISTS,
    "postmark": postmark_lists.LISTS,
    "resend": resend_lists.LISTS,
    "scaleway": scaleway_lists.LISTS,
    "sendgrid": sendgrid_lists.LISTS,
    "ses": ses_lists.LISTS,
    "sparkpost": sparkpost_lists.LISTS,
}
