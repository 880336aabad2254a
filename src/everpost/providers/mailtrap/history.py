"""Mailtrap's email logs: https://docs.mailtrap.io/developers/email-sending/email-logs

A list names the mails of a time, one for each recipient and the newest first; the log of each has its events, without
ids. Filters that it does not understand are ignored: it is read until its mails are too old. Logs are kept by plan,
for 3 days at least.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from everpost.model.account import Account
from everpost.providers import contract as c
from everpost.providers import http, sightings
from everpost.providers.history import History, Listed, Question, by_their_facts
from everpost.providers.mailtrap import events
from everpost.providers.reading import at, decoded

LATE_S: Final = 6 * 3600.0
PACE_S: Final = 1.0  # 60 questions a minute are answered
DETAILS: Final[Mapping[str, str]] = {  # what webhooks call otherwise
    "email_service_provider_response": "response",
    "reject_reason": "reason",
}


def history(get: Callable[[Account, str], c.HttpRequest]) -> History:
    """`get`: of a path of the API."""

    def ask(account: Account, since: float, until: float, after: str = "") -> Question:
        filters = {"filters[sent_after]": http.utc(since), "filters[sent_before]": http.utc(until + 1.0)}
        query = urlencode(filters | ({"search_after": after} if after else {}))

        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            body = decoded(response.body)
            mails, following = at(body, "messages"), at(body, "next_page_cursor")
            if response.status != 200 or not isinstance(mails, list):
                return http.untold(response)
            dated = [(sightings.iso_instant(at(mail, "sent_at")) or since, mail) for mail in mails]
            inside = [mail for sent_at, mail in dated if int(since) <= sent_at <= until + 1.0]
            is_over = not following or any(sent_at < int(since) for sent_at, _ in dated)
            further = () if is_over else (ask(account, since, until, str(following)),)
            told_of = [mail for mail in inside if at(mail, "status") != "enqueued"]
            return Listed(further=(*(of_mail(account, at(mail, "message_id")) for mail in told_of), *further))

        return Question(request=get(account, f"/api/email_logs?{query}"), read=read)

    def of_mail(account: Account, id_: Any) -> Question:
        return Question(request=get(account, f"/api/email_logs/{http.part(id_)}"), read=_events)

    return History(start=ask, late_s=LATE_S, pace_s=PACE_S)


def _events(response: c.HttpResponse) -> Listed | c.Unclear:
    mail = decoded(response.body)
    listed = at(mail, "events")
    if response.status != 200 or not isinstance(listed, list):
        return http.untold(response)
    worded = [_worded(mail, event) for event in listed]
    return Listed(told=by_their_facts(events.read(msgspec.json.encode(worded))) if worded else ())


def _worded(mail: Any, event: Any) -> dict[str, Any]:
    """As a webhook words it, for its reader."""
    details = at(event, "details")
    known = details if isinstance(details, dict) else {}
    told: dict[str, Any] = {DETAILS.get(name, name): value for name, value in known.items()}
    return told | {
        "event": at(event, "event_type"),
        "timestamp": sightings.iso_instant(at(event, "created_at")),
        "email": at(mail, "to"),
        "message_id": at(mail, "message_id"),
        "custom_variables": at(mail, "custom_variables"),
    }
