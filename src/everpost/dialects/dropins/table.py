"""All doors."""

from typing import Final

from everpost.dialects.dropins import mailgun, postmark, resend, sendgrid, ses
from everpost.dialects.dropins.contract import Dropin

DROPINS: Final[tuple[Dropin, ...]] = (sendgrid.DROPIN, mailgun.DROPIN, postmark.DROPIN, resend.DROPIN, ses.DROPIN)
