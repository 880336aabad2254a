"""Mandrill's search: https://mailchimp.com/developer/transactional/api/messages/search-messages/

It shows mails, one for each recipient, with all that became of them but for deferrals. It knows whole days, in a zone
that it does not tell, and no pages: of a span with more mails than it shows at once the rest stays unknown. It goes
back 30 days.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from everpost.model.account import Account
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.history import History, Listed, Question, by_their_facts
from everpost.providers.mandrill import events
from everpost.providers.reading import at, decoded

MAILS_MAX: Final = 1000
DAY_S: Final = 86_400.0
LATE_S: Final = 6 * 3600.0
STATES: Final = {  # the last that became of a mail, where no list within it tells
    "bounced": "hard_bounce",
    "soft-bounced": "soft_bounce",
    "rejected": "reject",
    "spam": "spam",
    "unsub": "unsub",
}
UNSENT: Final = frozenset({"queued", "scheduled", "canceled", "rejected"})
SEEN: Final = {"opens_detail": "open", "clicks_detail": "click"}


def history(search: Callable[[Account, dict[str, Any]], c.HttpRequest]) -> History:
    def ask(account: Account, since: float, until: float) -> Question:
        days = {"date_from": http.utc(since - DAY_S)[:10], "date_to": http.utc(until + DAY_S)[:10]}

        def read(response: c.HttpResponse) -> Listed | c.Unclear:
            mails = decoded(response.body)
            if response.status != 200 or not isinstance(mails, list):
                return http.untold(response)
            taken = [mail for mail in mails if since <= _number(at(mail, "ts"), since) < until]
            left_out = (
                f"of more than {MAILS_MAX} mails of these days it shows no more" if len(mails) >= MAILS_MAX else ""
            )
            body = urlencode({events.FIELD: msgspec.json.encode([x for mail in taken for x in _events(mail)])})
            return Listed(told=by_their_facts(events.read(body.encode())), left_out=left_out)

        return Question(request=search(account, days | {"query": "*", "limit": MAILS_MAX}), read=read)

    return History(start=ask, late_s=LATE_S, slice_s=DAY_S)


def _events(mail: Any) -> Iterator[dict[str, Any]]:
    """As webhooks word them, for their reader."""
    state, sent_at = str(at(mail, "state")), at(mail, "ts")
    if state not in UNSENT:
        yield _worded(mail, "send", sent_at)
    for one in _listed(mail, "smtp_events"):
        if at(one, "type") == "delivered":
            yield _worded(mail, "delivered", at(one, "ts"), diag=at(one, "diag"))
    for name, native in SEEN.items():
        for one in _listed(mail, name):
            yield _worded(mail, native, at(one, "ts")) | {"user_agent": at(one, "ua"), "url": at(one, "url")}
    if state in STATES:
        tries = [at(one, "ts") for one in _listed(mail, "smtp_events") if at(one, "type") == "bounced"]
        yield _worded(mail, STATES[state], tries[-1] if tries else None)


def _worded(mail: Any, native: str, ts: Any, **more: Any) -> dict[str, Any]:
    names = ("email", "metadata", "diag", "bounce_description", "reject", "smtp_events")
    return {"event": native, "_id": at(mail, "_id"), "ts": ts, "msg": {name: at(mail, name) for name in names} | more}


def _listed(mail: Any, name: str) -> list[Any]:
    found = at(mail, name)
    return found if isinstance(found, list) else []


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise
