"""Drop-in doors: APIs of providers as Everpost serves them, so that a provider's own SDK can be pointed here.

Stricter than the same dialects as the sandbox reads them: what can't be carried is refused, or goes to that provider
only.
"""

from typing import Final

from everpost.dialects.dropins import mailgun, postmark, resend, sendgrid
from everpost.dialects.dropins.contract import Dropin

DROPINS: Final[tuple[Dropin, ...]] = (sendgrid.DROPIN, mailgun.DROPIN, postmark.DROPIN, resend.DROPIN)
