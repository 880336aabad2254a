"""Scaleway's list of mails: https://www.scaleway.com/en/developers/api/transactional-email/

One for each recipient, those first of whom there is news, each with its state and its last tries. Nothing in it says
which delivery of ours it was: it is known by its id, which we have of a mail's first recipient alone.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from everpost.model.account import Account
from everpost.model.limits import JOIN_SEARCHES_MAX
from everpost.providers import contract as c
from everpost.providers import http, sightings
from everpost.providers.history import History, Listed, Question
from everpost.providers.reading import at, decoded
from everpost.providers.scaleway import events

PAGE: Final = JOIN_SEARCHES_MAX  # whose mail is searched for
LATE_S: Final = 1800.0
AT_ONCE_S: Final = 365 * 86_400.0  # each question begins with the newest
PACE_S: Final = 0.2  # it tells no limit of its own
FAILED: Final = (  # by the first of these flags
    ("blocklisted", "email_blocklisted"),
    ("spam", "email_spam"),
    ("mailbox_not_found", "email_mailbox_not_found"),
)


def history(get: Callable[[Account, str], c.HttpRequest]) -> History:
    """`get`: of a path of the API."""

    def ask(account: Account, since: float, until: float, page: int = 1) -> Question:
        what = {"project_id": account.settings["project_id"], "order_by": "updated_at_desc"}
        query = urlencode(what | {"page": page, "page_size": PAGE})

        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            mails = at(decoded(response.body), "emails")
            if response.status != 200 or not isinstance(mails, list):
                return http.untold(response)
            recent = [mail for mail in mails if (sightings.iso_instant(at(mail, "updated_at")) or since) >= since]
            worded = filter(None, map(_worded, recent))
            is_over = len(mails) < PAGE or len(recent) < len(mails)
            return Listed(
                told=tuple(one for event in worded for one in events.read(event)),
                further=() if is_over else (ask(account, since, until, page + 1),),
            )

        return Question(request=get(account, f"/emails?{query}"), read=read)

    return History(start=ask, late_s=LATE_S, slice_s=AT_ONCE_S, pace_s=PACE_S)


def _worded(mail: Any) -> bytes | None:
    """As a webhook words it, for its reader; None: there is no news of it."""
    tries = at(mail, "last_tries")
    last = tries[-1] if isinstance(tries, list) and tries else None
    native = _native(mail, last)
    if native is None:
        return None
    event = {
        "type": native,
        "created_at": at(last, "tried_at") or at(mail, "updated_at"),
        "email_id": at(mail, "id"),
        "email_to": at(mail, "mail_rcpt"),
        "email_response_code": at(last, "code"),
        "email_response_message": at(last, "message"),
    }
    return msgspec.json.encode(event)


def _native(mail: Any, last: Any) -> str | None:
    match at(mail, "status"):
        case "sent":
            return "email_delivered"
        case "failed":
            flags = at(mail, "flags")
            named = (name for flag, name in FAILED if isinstance(flags, list) and flag in flags)
            return next(named, "email_dropped")
        case "sending" if last is not None:
            return "email_deferred"
    return None
