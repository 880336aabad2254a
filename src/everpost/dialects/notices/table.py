"""All formats but the standard one. A new one is a file and a line here."""

from typing import Final

from everpost.dialects.notices import mailgun, postmark, resend, sendgrid, ses
from everpost.model.webhook import Format
from everpost.webhooks.writing import Writers

WRITERS: Final[Writers] = {
    Format.SENDGRID: sendgrid.WRITER,
    Format.MAILGUN: mailgun.WRITER,
    Format.POSTMARK: postmark.WRITER,
    Format.RESEND: resend.WRITER,
    Format.SES: ses.WRITER,
}
