"""Brevo's events as it lists them: https://developers.brevo.com/reference/getemaileventreport-1

They have the names of its reports, no id, and the mail's tags for our own id. The list knows whole days only, those of
a zone that it does not tell; times are in UTC. They are kept for 90 days.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from everpost.model.account import Account
from everpost.model.sighting import Sighting, Unreadable
from everpost.providers import contract as c
from everpost.providers import http, sightings
from everpost.providers.brevo import events
from everpost.providers.history import History, Listed, Question
from everpost.providers.reading import at, decoded

EVENTS_MAX: Final = 1000  # of a page
DAY_S: Final = 86_400.0
ZONES_S: Final = 14 * 3600.0  # by which a day may begin before that of UTC
NAMES: Final = {  # those of its webhooks
    "requests": "request",
    "hardBounces": "hard_bounce",
    "softBounces": "soft_bounce",
    "bounces": "soft_bounce",
    "invalid": "invalid_email",
    "clicks": "click",
    "loadedByProxy": "proxy_open",
}


def history(get: Callable[[Account, str], c.HttpRequest]) -> History:
    """`get`: of a path of the API."""

    def ask(account: Account, since: float, until: float, offset: int = 0) -> Question:
        days = {"startDate": _day(since - ZONES_S), "endDate": _day(until)}
        query = urlencode(days | {"sort": "asc", "limit": EVENTS_MAX, "offset": offset})

        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            entries = listed(response)
            if entries is None:
                return http.nothing_told(response)
            told = tuple(one for one in map(_sighting, entries) if _is_in(one, since, until))
            if len(entries) < EVENTS_MAX:
                return Listed(told=told)
            return Listed(told=told, further=(ask(account, since, until, offset + EVENTS_MAX),))

        return Question(request=get(account, f"/smtp/statistics/events?{query}"), read=read)

    return History(start=ask, late_s=ZONES_S, slice_s=DAY_S)


def listed(response: c.HttpResponse) -> list[Any] | None:
    """The events of an answer; None: it is none. Brevo leaves out a list that is empty."""
    body = decoded(response.body)
    entries = [] if body == {} else at(body, "events")
    return entries if response.status == 200 and isinstance(entries, list) else None


def tags_of(event: Any) -> list[Any]:
    """One tag is shown as it is, several as the text of a JSON list."""
    shown = at(event, "tag")
    several = decoded(shown.encode()) if isinstance(shown, str) else shown
    return several if isinstance(several, list) else [shown]


def _sighting(event: Any) -> Sighting | Unreadable:
    """As its webhook words it, for its reader: without the time of which that would make an id."""
    name = sightings.text(at(event, "event"), sightings.NATIVE_CHARS_MAX)
    worded = {
        "event": NAMES.get(name, name),
        "email": at(event, "email"),
        "message-id": at(event, "messageId"),
        "reason": at(event, "reason"),
        "tags": tags_of(event),
    }
    (read,) = events.read(msgspec.json.encode(worded))
    raw = msgspec.json.encode(event)
    if isinstance(read, Unreadable):
        return Unreadable(raw, read.reason)
    return replace(read, raw=raw, at=sightings.iso_instant(at(event, "date")))


def _is_in(one: Sighting | Unreadable, since: float, until: float) -> bool:
    return isinstance(one, Unreadable) or one.at is None or since <= one.at < until


def _day(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d}"
