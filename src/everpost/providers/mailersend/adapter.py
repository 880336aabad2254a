"""MailerSend v1: https://developers.mailersend.com/api/v1/email.html

It has no metadata, so that our id is a tag. Its activity names a mail by another id than the answer did.
"""

from typing import Any, Final
from urllib.parse import quote, urlencode

from everpost.model.account import Account
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.mailersend import events, history
from everpost.providers.mailersend.mail import LIMITS, MAIL
from everpost.providers.reading import Reading, at, decoded, read_answer

REGIONS: Final = {"world": "https://api.mailersend.com"}
PAGE: Final = 100

ROWS: Final = (
    c.Row(202, "ALL_SUPPRESSED", c.REFUSED_HERE, "nobody will get it: all are on its own list"),
    c.Row(202, "paused", c.HELD, "its people look at the account first"),
    c.Row(202, "SOME_SUPPRESSED", c.ACCEPTED, "the others get it"),
    c.Row(422, r"#MS422(02|05|06|10)\b", c.REFUSED_HERE, "type, number or size of something, for MailerSend"),
    c.Row(422, r"#MS42207\b", c.REFUSED_HERE, "this sender's fault, not that of the account"),
    c.Row(422, r"#MS422(16|26)\b", c.REFUSED_ACCOUNT),
    c.Row(422, r"#MS422(04|22|25)\b", c.QUOTA_USED_UP),
    c.Row(429, r"#MS42901\b", c.QUOTA_USED_UP, "its requests of a day"),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := MAIL.fault(message):
        return c.Unsendable(reason)
    return _request("POST", account, "/v1/email", account.settings["api_key"], MAIL.whole(message, delivery_id))


def _request(method: str, account: Account, path: str, key: str, body: Any = None) -> c.HttpRequest:
    return http.json_request(method, http.url_of(account, REGIONS, path), f"Bearer {key}", body)


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    """Which fault it is stands in the text alone: "... #MS42207"."""
    body = decoded(response.body)
    warnings, errors = at(body, "warnings"), at(body, "errors")
    words = [str(at(each, "type")) for each in warnings] if isinstance(warnings, list) else []
    words += ["sending is paused"] if response.headers.get("x-send-paused") == "true" else []
    words += [str(at(body, "message"))] if at(body, "message") and not warnings else []
    for each in errors.values() if isinstance(errors, dict) else ():
        words += map(str, each) if isinstance(each, list) else [str(each)]
    return "; ".join(words) or None


READING: Final = Reading(words=_words, message_id=lambda response: response.headers.get("x-message-id"), rows=ROWS)

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    """Activity is asked for by the id of the sender's domain, and that by its name."""
    return _request("GET", sought.account, f"/v1/domains?limit={PAGE}", http.lookup_key(sought.account))


def _ask_activity(sought: c.Sought, domain_id: str, page: int) -> c.Ask:
    begin, end = (int(at.timestamp()) for at in http.window(sought))
    query = urlencode({"date_from": begin, "date_to": end, "limit": PAGE, "page": page})
    path = f"/v1/activity/{quote(domain_id, safe='')}?{query}"
    return c.Ask((_request("GET", sought.account, path, http.lookup_key(sought.account)),))


@http.unless_put_off("mailersend", ("send_at",))
def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    body = decoded(response.body)
    data, where, page = at(body, "data"), str(at(body, "meta", "path")), at(body, "meta", "current_page")
    if response.status != 200 or not isinstance(data, list):
        return http.untold(response)
    if "/activity/" not in where:
        domain = sought.message.sender.email.rpartition("@")[2].lower()
        ids = [str(at(each, "id")) for each in data if str(at(each, "name")).lower() == domain and at(each, "id")]
        return _ask_activity(sought, ids[0], 1) if ids else c.Unclear("the sender's domain is not among those it shows")
    tags = [at(each, "email", "tags") for each in data]
    if any(sought.delivery_id in each for each in tags if isinstance(each, list)):
        return c.Found(None)
    if not at(body, "links", "next"):
        return c.Absent()
    return _ask_activity(sought, where.rpartition("/")[2], page + 1) if isinstance(page, int) else http.untold(response)


PROVIDER: Final = c.Provider(
    name=MAIL.name,
    title="MailerSend",
    docs="https://developers.mailersend.com/api/v1/email.html",
    settings=http.settings_of(REGIONS, http.WEBHOOK_SECRET),
    limits=LIMITS,
    rows=ROWS,
    fault=MAIL.fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=1800.0, kept_s=86_400.0, start=_ask, read=_find),  # kept by plan, for a day at least
    probe=lambda account: _request("GET", account, "/v1/api-quota", account.settings["api_key"]),
    probe_refused=frozenset({401}),
    webhook=events.WEBHOOK,
    history=history.history(lambda account, path: _request("GET", account, path, http.lookup_key(account))),
)
