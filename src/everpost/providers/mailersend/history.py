"""MailerSend's activity: https://developers.mailersend.com/api/v1/activity.html

It is listed by domain, the newest first, so that the domains are asked for before. Its ids are not known to be those of
the webhooks, and none is taken over; our id is among the tags. It holds whole mails, of which nothing is kept. It is
kept by plan, for a day at least; a question may be for 7 days.
"""

from collections.abc import Callable
from math import ceil
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from everpost.model.account import Account
from everpost.providers import contract as c
from everpost.providers import http, sightings
from everpost.providers.history import History, Listed, Question
from everpost.providers.mailersend import events
from everpost.providers.reading import at, decoded

DOMAINS: Final = "/v1/domains"
PAGE: Final = 100
DAY_S: Final = 86_400.0  # is asked for at once
PACE_S: Final = 6.0  # 10 questions a minute are answered
LATE_S: Final = 1800.0


def history(get: Callable[[Account, str], c.HttpRequest]) -> History:
    """`get`: of a path of the API."""

    def ask(account: Account, since: float, until: float, path: str = DOMAINS, page: int = 1) -> Question:
        window = {} if path == DOMAINS else {"date_from": int(since), "date_to": ceil(until)}
        query = urlencode(window | {"limit": PAGE, "page": page})

        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            body = decoded(response.body)
            entries = at(body, "data")
            if response.status != 200 or not isinstance(entries, list):
                return http.untold(response)
            domains, logged = (entries, []) if path == DOMAINS else ([], entries)
            following = (ask(account, since, until, path, page + 1),) if at(body, "links", "next") else ()
            worded = map(_worded, logged)
            return Listed(
                told=tuple(one for event in worded if event for one in events.read(event)),
                further=(*following, *(ask(account, since, until, _activity(domain)) for domain in domains)),
            )

        return Question(request=get(account, f"{path}?{query}"), read=read)

    return History(start=ask, late_s=LATE_S, slice_s=DAY_S, pace_s=PACE_S)


def _activity(domain: Any) -> str:
    return f"/v1/activity/{quote(str(at(domain, 'id')), safe='')}"


def _worded(entry: Any) -> bytes | None:
    """As a webhook words it, for its reader, without an id. None: no webhook tells of such a thing."""
    native = f"activity.{sightings.text(at(entry, 'type'), sightings.NATIVE_CHARS_MAX)}"
    if native not in events.EVENTS:
        return None
    email = {"tags": at(entry, "email", "tags"), "recipient": {"email": at(entry, "email", "recipient", "email")}}
    return msgspec.json.encode({"type": native, "data": {"created_at": at(entry, "created_at"), "email": email}})
