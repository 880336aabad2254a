"""What Postmark lists: https://postmarkapp.com/developer/api/messages-api and .../api/bounce-api

Bounces and complaints have a list of their own, by the time at which they happened, each with the id of its webhook.
Whatever else becomes of a mail stands in its details, which are asked for mail by mail; so is our id, which a bounce
does not name. A search knows days, those of New York: it is asked for all that the time may lie in. Lists end after
10,000 entries. They go back 45 days.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from everpost.model.account import Account
from everpost.providers import contract as c
from everpost.providers import http, sightings
from everpost.providers.history import History, Listed, Question, by_their_facts
from everpost.providers.postmark import events
from everpost.providers.reading import at, decoded

BOUNCES: Final = "/bounces"
MAILS: Final = "/messages/outbound"
ENTRIES: Final = {BOUNCES: ("Bounces", "BouncedAt"), MAILS: ("Messages", "ReceivedAt")}  # the list, and the time in it
PAGE: Final = 500
FORGOTTEN: Final = (404, 422)  # the details of such a mail are not kept any more
SHOWN_MAX: Final = 10_000
LATE_S: Final = 3600.0
PACE_S: Final = 0.2  # it tells no limit of its own
SUMMER_S, WINTER_S = 4 * 3600.0, 5 * 3600.0  # by which New York is behind UTC
DAY_S: Final = 86_400.0
AT_ONCE_S: Final = 4 * 3600.0  # each question lists the whole days
RECORDS: Final = {"Delivered": "Delivery", "Opened": "Open", "LinkClicked": "Click"}  # those of its webhooks


def history(get: Callable[[Account, str], c.HttpRequest]) -> History:
    """`get`: of a path of the API."""

    def start(account: Account, since: float, until: float) -> Question:
        return ask(account, since, until, BOUNCES, 0)

    def ask(account: Account, since: float, until: float, path: str, offset: int) -> Question:
        days = {"fromdate": http.utc(since - WINTER_S)[:10], "todate": http.utc(until - SUMMER_S + DAY_S)[:10]}
        query = urlencode({"count": PAGE, "offset": offset} | days)

        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            name, time = ENTRIES[path]
            entries = at(decoded(response.body), name)
            if response.status != 200 or not isinstance(entries, list):
                return http.nothing_told(response)
            inside = [entry for entry in entries if _is_in(at(entry, time), since, until)]
            following, is_last = offset + PAGE, len(entries) < PAGE
            if not is_last and following < SHOWN_MAX:
                left = [ask(account, since, until, path, following)]
            else:
                left = [ask(account, since, until, MAILS, 0)] if path == BOUNCES else []
            is_cut = following >= SHOWN_MAX and len(inside) == len(entries) == PAGE  # and no older one was seen
            cut = f"of these days it lists {SHOWN_MAX} {name.lower()} alone" if is_cut else ""
            return Listed(further=(*(of_mail(account, entry, path) for entry in inside), *left), left_out=cut)

        return Question(request=get(account, f"{path}?{query}"), read=read)

    def of_mail(account: Account, entry: Any, path: str) -> Question:
        request = get(account, f"{MAILS}/{http.part(at(entry, 'MessageID'))}/details")
        return Question(request=request, read=_details if path == MAILS else partial(_bounce, entry))

    return History(start=start, late_s=LATE_S, slice_s=AT_ONCE_S, pace_s=PACE_S)


def _is_in(time: Any, since: float, until: float) -> bool:
    """Of a time that can't be read nobody knows."""
    instant = sightings.iso_instant(time)
    return instant is None or since <= instant < until


def _bounce(entry: Any, response: c.HttpResponse) -> Listed | c.Unclear:
    """As its webhook words it; the details of its mail say whose it is, as long as they are kept. A complaint has no
    number in its webhook's id."""
    mail = decoded(response.body)
    if response.status not in (200, *FORGOTTEN):
        return http.nothing_told(response)
    is_complaint = at(entry, "Type") == "SpamComplaint"
    named = (entry if isinstance(entry, dict) else {}) | {"Metadata": at(mail, "Metadata")}
    read = events.read(_worded(named, "SpamComplaint" if is_complaint else "Bounce"))
    return Listed(told=by_their_facts(read) if is_complaint else read)


def _details(response: c.HttpResponse) -> Listed | c.Unclear:
    mail = decoded(response.body)
    listed = at(mail, "MessageEvents")
    if response.status != 200 or not isinstance(listed, list):
        return http.nothing_told(response)
    mails = {name: at(mail, name) for name in ("MessageID", "Metadata", "MessageStream")}
    bodies = (_worded(mails | _of_event(event), _record(event)) for event in listed if _record(event))
    return Listed(told=by_their_facts(one for body in bodies for one in events.read(body)))


def _of_event(event: Any) -> dict[str, Any]:
    at_ = at(event, "ReceivedAt")
    change = {"Origin": "Recipient", "SuppressSending": True, "SuppressionReason": "ManualSuppression"}
    return {"Recipient": at(event, "Recipient"), "ReceivedAt": at_} | (change if _is_unsubscription(event) else {})


def _record(event: Any) -> str | None:
    """Bounces stand in their own list; who was put on the list of a stream by one of them has not left it."""
    return "SubscriptionChange" if _is_unsubscription(event) else RECORDS.get(str(at(event, "Type")))


def _is_unsubscription(event: Any) -> bool:
    """Its details are texts."""
    details = at(event, "Details")
    is_on = str(at(details, "SuppressSending")).lower() == "true"
    return at(event, "Type") == "SubscriptionChanged" and at(details, "Origin") == "Recipient" and is_on


def _worded(what: dict[str, Any], record: str | None) -> bytes:
    return msgspec.json.encode(what | {"RecordType": record})
