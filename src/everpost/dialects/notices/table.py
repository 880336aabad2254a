"""All formats but the standard one. A new one is a file and a line here."""

from typing import Final

from everpost.dialects.notices import mailgun, postmark, resend, sendgrid, ses
from everpost.webhooks.writing import Writers

WRITERS: Final[Writers] = {
    "sendgrid": sendgrid.WRITER,
    "mailgun": mailgun.WRITER,
    "postmark": postmark.WRITER,
    "resend": resend.WRITER,
    "ses": ses.WRITER,
}
