"""SparkPost: https://developers.sparkpost.com/api/transmissions/

A 200 may say that nobody was accepted. Its records can't be searched by our id: each mail to a recipient is looked at.
"""

from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.reading import Reading, at, decoded, id_at, read_answer
from everpost.providers.sparkpost import events, history
from everpost.providers.sparkpost.mail import LIMITS, MAIL, fault, whole

REGIONS: Final = {"us": "https://api.sparkpost.com", "eu": "https://api.eu.sparkpost.com"}

ROWS: Final = (
    c.Row(200, "^0 accepted", c.REFUSED_HERE, "all recipients are on its own list, or not to its liking"),
    c.Row(200, "accepted, [1-9]", c.ACCEPTED, "it does not say who was left out"),
    c.Row(400, r"^(7000|7001|1910)\b", c.REFUSED_HERE, "this sender's domain"),
    c.Row(400, r"^1502\b", c.UNAVAILABLE),
    c.Row(422, r"^3020\b", c.REFUSED_HERE, "it does not make out a part of a whole mail"),
    c.Row(420, "", c.QUOTA_USED_UP, "of the hour, the day or the month"),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := fault(message):
        return c.Unsendable(reason)
    key = account.settings["api_key"]
    return _request("POST", account, "/api/v1/transmissions", key, whole(message, delivery_id))


def _request(method: str, account: Account, path: str, key: str, body: Any = None) -> c.HttpRequest:
    return http.json_request(method, http.url_of(account, REGIONS, path), key, body)


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    body = decoded(response.body)
    errors, accepted = at(body, "errors"), at(body, "results", "total_accepted_recipients")
    if accepted is not None:
        return f"{accepted} accepted, {at(body, 'results', 'total_rejected_recipients')} rejected"
    listed = errors if isinstance(errors, list) else []
    return "; ".join(f"{at(one, 'code')} {at(one, 'message')}: {at(one, 'description')}" for one in listed) or None


def _message_id(response: c.HttpResponse) -> str | None:
    return None if (_words(response) or "").startswith("0 accepted") else id_at(response, "results", "id")


READING: Final = Reading(words=_words, message_id=_message_id, rows=ROWS)

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    begin, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in http.window(sought))
    what = {"recipients": http.searched(sought.message), "events": "injection", "from": begin, "to": end}
    path = f"/api/v1/events/message?{urlencode(what | {'per_page': history.EVENTS_MAX})}"
    return _request("GET", sought.account, path, http.lookup_key(sought.account))


@http.unless_put_off("sparkpost", ("options", "start_time"))
def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    body = decoded(response.body)
    shown, following = at(body, "results"), at(body, "links", "next")
    if response.status != 200 or not isinstance(shown, list):
        return http.untold(response)
    for event in (each for each in shown if at(each, "rcpt_meta", CORRELATION_KEY) == sought.delivery_id):
        return c.Found(str(at(event, "transmission_id") or "") or None)
    if not shown or not following:
        return http.unseen(sought.message)
    request = _request("GET", sought.account, str(following), http.lookup_key(sought.account))
    is_own = http.is_own(sought.account, REGIONS, request.url)
    return c.Ask((request,)) if is_own else c.Unclear("the next page of events is at another place")


PROVIDER: Final = c.Provider(
    name=MAIL.name,
    title="SparkPost",
    docs="https://developers.sparkpost.com/api/transmissions/",
    settings=http.settings_of(REGIONS, http.WEBHOOK_SECRET),
    limits=LIMITS,
    rows=ROWS,
    fault=fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=600.0, kept_s=9 * 86_400.0, start=_ask, read=_find),
    probe=lambda account: _request("GET", account, "/api/v1/account", http.lookup_key(account)),
    probe_refused=frozenset({401}),
    webhook=events.WEBHOOK,
    history=history.history(REGIONS),
)
