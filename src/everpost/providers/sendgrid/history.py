"""SendGrid's email logs: https://www.twilio.com/docs/sendgrid/api-reference/email-logs

A search names the mails of a time, one for each recipient, and the log of each has its events: those of its webhook,
with their ids, and with our own among `custom_args`. A search has no pages; where it is full, its time is halved. Logs
are kept for 30 days.
"""

from collections.abc import Callable, Mapping
from math import ceil, floor
from typing import Any, Final

import msgspec

from everpost.model.account import Account
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.history import History, Listed, Question
from everpost.providers.reading import at, decoded
from everpost.providers.sendgrid import events

ENTRIES_MAX: Final = 1000
LATE_S: Final = 6 * 3600.0
PACE_S: Final = 0.5  # it tells no limit of its own
NEWS_OF: Final = frozenset({"delivered", "deferred", "dropped", "bounced", "blocked"})  # beyond that it was taken

Ask = Callable[[Account, str, Any], c.HttpRequest]


def history(request: Ask) -> History:
    """`request`: (account, path, body or None), with the key that may read."""

    def of_time(account: Account, since: float, until: float) -> Question:
        return of_seconds(account, floor(since), ceil(until))

    def of_seconds(account: Account, begin: int, end: int) -> Question:
        created = "sg_message_id_created_at"
        query = f'{created} >= TIMESTAMP "{http.utc(begin)}" AND {created} < TIMESTAMP "{http.utc(end)}"'

        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            entries = at(decoded(response.body), "messages")
            if response.status != 200 or not isinstance(entries, list):
                return http.untold(response)
            middle = (begin + end) // 2
            if len(entries) >= ENTRIES_MAX and begin < middle:
                return Listed(further=(of_seconds(account, begin, middle), of_seconds(account, middle, end)))
            ids = [str(at(entry, "sg_message_id")) for entry in entries if str(at(entry, "status")) in NEWS_OF]
            is_full = len(entries) >= ENTRIES_MAX
            left_out = f"of the mails of {http.utc(begin)} it shows {ENTRIES_MAX} alone" if is_full else ""
            return Listed(further=tuple(of_mail(account, id_) for id_ in ids), left_out=left_out)

        return Question(request=request(account, "/v3/logs", {"query": query, "limit": ENTRIES_MAX}), read=read)

    def of_mail(account: Account, id_: str) -> Question:
        return Question(request=request(account, f"/v3/logs/{http.part(id_)}", None), read=_events)

    return History(start=of_time, late_s=LATE_S, pace_s=PACE_S)


def _events(response: c.HttpResponse) -> Listed | c.Unclear:
    log = decoded(response.body)
    listed = at(log, "events")
    if response.status != 200 or not isinstance(listed, list):
        return http.untold(response)
    worded = [_worded(log, event) for event in listed if str(at(event, "event")) in events.EVENTS]
    return Listed(told=events.read(msgspec.json.encode(worded)))


def _worded(log: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    """As a webhook words it, for its reader: what we have given stands beside what SendGrid says."""
    given = [args for args in (log.get("custom_args"), event.get("custom_args")) if isinstance(args, dict)]
    return {name: value for args in given for name, value in args.items()} | dict(event)
