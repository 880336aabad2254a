"""Resend's list of mails: https://resend.com/docs/api-reference/emails/list-emails

The newest first, each with the last that became of it and without its time, class and words; it knows no times to ask
for. A bounce of it can't be told from a hard one: it is told when the webhook that could has certainly been given up.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from everpost.model.account import Account
from everpost.providers import contract as c
from everpost.providers import http, sightings
from everpost.providers.history import History, Listed, Question
from everpost.providers.reading import at, decoded
from everpost.providers.resend import events

PAGE: Final = 100
GIVEN_UP_S: Final = 30 * 3600.0  # its webhooks come again for 28 h
LATE_S: Final = 48 * 3600.0
AT_ONCE_S: Final = 365 * 86_400.0  # each question begins with the newest
PACE_S: Final = 1.0  # it answers 2 questions a second, mails to send among them
WAITING: Final = frozenset({"queued", "scheduled", "canceled"})


def history(get: Callable[[Account, str], c.HttpRequest]) -> History:
    """`get`: of a path of the API."""

    def ask(account: Account, since: float, until: float, after: str = "") -> Question:
        query = urlencode({"limit": PAGE} | ({"after": after} if after else {}))

        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            body = decoded(response.body)
            mails = at(body, "data")
            if response.status != 200 or not isinstance(mails, list):
                return http.untold(response)
            dated = [(sightings.iso_instant(at(mail, "created_at")) or until, mail) for mail in mails]
            recent = [(created_at, mail) for created_at, mail in dated if created_at >= since]
            told_of = [mail for created_at, mail in recent if _has_news(mail, until - created_at)]
            is_over = at(body, "has_more") is not True or len(recent) < len(mails) or not mails
            return Listed(
                told=tuple(one for mail in told_of for one in events.read(_worded(mail))),
                further=() if is_over else (ask(account, since, until, str(at(mails[-1], "id"))),),
            )

        return Question(request=get(account, f"/emails?{query}"), read=read)

    return History(start=ask, late_s=LATE_S, slice_s=AT_ONCE_S, pace_s=PACE_S)


def _has_news(mail: Any, age_s: float) -> bool:
    last = str(at(mail, "last_event"))
    return last not in WAITING and (last != "bounced" or age_s >= GIVEN_UP_S)


def _worded(mail: Any) -> bytes:
    """As a webhook words it, for its reader."""
    about = {"email_id": at(mail, "id"), "to": at(mail, "to")}
    return msgspec.json.encode({"type": f"{events.OF_MAIL}{at(mail, 'last_event')}", "data": about})
