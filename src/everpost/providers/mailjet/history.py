"""Mailjet's mails, and the history of each: https://dev.mailjet.com/email/reference/messages/

A mail of the list is one recipient's; it has our id (`CustomID`) and the last of what became of it. The times of that
stand in its history, which is asked for mail by mail. Nothing in it has an id.
"""

from collections.abc import Callable
from math import ceil
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from everpost.model.account import Account
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.history import History, Listed, Question, by_their_facts
from everpost.providers.mailjet import events
from everpost.providers.reading import at, decoded

PAGE: Final = 1000
LATE_S: Final = 6 * 3600.0
PACE_S: Final = 0.2  # it tells no limit of its own
WAITING: Final = frozenset({"unknown", "processed", "queued"})  # `Status` of a mail of which there is no news
NATIVE: Final = {"opened": "open", "clicked": "click", "bounced": "bounce"}  # `EventType`, where a webhook has another
STATES: Final = (  # `StateID`, from 1: what webhooks call `error`
    *("user unknown", "mailbox inactive", "quota exceeded", "invalid domain", "no mail host", "relay/access denied"),
    *("sender blocked", "content blocked", "policy issue", "system issue", "protocol issue", "connection issue"),
    *("greylisted", "preblocked", "duplicate in campaign", "spam preblocked", "bad or empty template"),
    *("error in template language", "typofix", "blacklisted", "spam reporter"),
)


def history(get: Callable[[Account, str], c.HttpRequest]) -> History:
    """`get`: of a path of the API."""

    def ask(account: Account, since: float, until: float, offset: int = 0) -> Question:
        window = {"FromTS": int(since), "ToTS": ceil(until), "Limit": PAGE, "Offset": offset}
        query = urlencode(window | {"ShowCustomID": "true", "ShowContactAlt": "true"})

        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            mails = at(decoded(response.body), "Data")
            if response.status != 200 or not isinstance(mails, list):
                return http.untold(response)
            told_of = [mail for mail in mails if str(at(mail, "Status")) not in WAITING]
            following = () if len(mails) < PAGE else (ask(account, since, until, offset + PAGE),)
            return Listed(further=(*(of_mail(account, mail) for mail in told_of), *following))

        return Question(request=get(account, f"/v3/REST/message?{query}"), read=read)

    def of_mail(account: Account, mail: Any) -> Question:
        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            listed = at(decoded(response.body), "Data")
            if response.status != 200 or not isinstance(listed, list):
                return http.untold(response)
            last = max((place for place, event in enumerate(listed) if at(event, "EventType") == "bounced"), default=-1)
            worded = [_worded(mail, event, is_last=place == last) for place, event in enumerate(listed)]
            return Listed(told=by_their_facts(events.read(msgspec.json.encode(worded))))

        return Question(request=get(account, f"/v3/REST/messagehistory/{http.part(at(mail, 'ID'))}"), read=read)

    return History(start=ask, late_s=LATE_S, pace_s=PACE_S)


def _worded(mail: Any, event: Any, *, is_last: bool) -> dict[str, Any]:
    """As a webhook words it, for its reader. That it failed for good stands with the mail, and is true of the last."""
    native = at(event, "EventType")
    return {
        "event": NATIVE.get(str(native), native),
        "time": at(event, "EventAt"),
        "email": at(mail, "ContactAlt"),
        "CustomID": at(mail, "CustomID"),
        "hard_bounce": is_last and at(mail, "StatePermanent"),
        "error": _error(mail, event),
        "comment": at(event, "Comment"),
        "agent": at(event, "Useragent"),
    }


def _error(mail: Any, event: Any) -> str:
    """Of the event itself, or else of the mail."""
    said, state = str(at(event, "State")).lower(), at(mail, "StateID")
    if said in STATES or not isinstance(state, int):
        return said
    return STATES[state - 1] if 1 <= state <= len(STATES) else ""
