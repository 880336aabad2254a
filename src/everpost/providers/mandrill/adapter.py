"""Mandrill, which is Mailchimp Transactional: https://mailchimp.com/developer/transactional/api/messages/

The key stands in the body. Each recipient has a result and an id of his own; the first that was taken is the mail's.
"""

from datetime import timedelta
from typing import Any, Final

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.mandrill import events, history
from everpost.providers.mandrill.mail import LIMITS, MAIL
from everpost.providers.reading import Reading, at, decoded, read_answer

REGIONS: Final = {"world": "https://mandrillapp.com"}
SEARCHED_MAX: Final = 1000
TAKEN: Final = ("sent", "queued", "scheduled")
DAY: Final = timedelta(days=1)

ROWS: Final = (
    c.Row(200, r"queued: \S*(exhausted|limit-reached|paused|suspended)", c.HELD, "until somebody pays or lifts it"),
    c.Row(200, r"^\d+ of \d+ refused", c.ACCEPTED, "the others get it"),
    c.Row(200, "^invalid$", c.REJECTED),
    c.Row(200, "^rejected|^invalid", c.REFUSED_HERE, "its own list, its own rule, or this sender"),
    c.Row(404, "^Unknown_(Subaccount|Template)", c.REFUSED_HERE, "what the mail names is not this account's"),
    c.Row(500, "^(Invalid_Key|PaymentRequired)", c.REFUSED_ACCOUNT, "the 401 and 402 of an old server"),
    c.Row(500, "^ValidationError", c.REJECTED, "the 400 of an old server"),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := MAIL.fault(message):
        return c.Unsendable(reason)
    return _request(account, "messages/send", account.settings["api_key"], MAIL.whole(message, delivery_id))


def _request(account: Account, method: str, key: str, body: dict[str, Any]) -> c.HttpRequest:
    url = http.url_of(account, REGIONS, f"/api/1.4/{method}")
    return http.json_request("POST", url, key, {"key": str(key)} | body, "")


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    results = decoded(response.body)
    if not isinstance(results, list):
        return f"{at(results, 'name')}: {at(results, 'message')}" if at(results, "name") else None
    refused = [each for each in results if at(each, "status") in ("rejected", "invalid")]
    reasons = "; ".join(dict.fromkeys(filter(None, map(_reason, results))))
    return (
        f"{len(refused)} of {len(results)} refused: {reasons}" if 0 < len(refused) < len(results) else reasons or None
    )


def _reason(result: Any) -> str | None:
    """Why a recipient's mail was not just taken."""
    status, reason = at(result, "status"), at(result, "reject_reason") or at(result, "queued_reason")
    return f"{status}: {reason}" if reason else "invalid" if status == "invalid" else None


def _message_id(response: c.HttpResponse) -> str | None:
    results = decoded(response.body)
    listed = results if isinstance(results, list) else []
    return next((str(each["_id"]) for each in listed if at(each, "status") in TAKEN and at(each, "_id")), None)


READING: Final = Reading(words=_words, message_id=_message_id, rows=ROWS)

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    """By whole days, with one more at each end: nobody says in which zone they are, and whether the last is in."""
    begin, end = http.window(sought)
    days = {"date_from": f"{begin - DAY:%Y-%m-%d}", "date_to": f"{end + DAY:%Y-%m-%d}"}
    what = days | {"query": f"full_email:{http.searched(sought.message)}", "limit": SEARCHED_MAX}
    return _search(sought.account, what)


def _search(account: Account, what: dict[str, Any]) -> c.HttpRequest:
    return _request(account, "messages/search", http.lookup_key(account), what)


@http.unless_put_off("mandrill", ("send_at",))
def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    shown = decoded(response.body)
    if response.status != 200 or not isinstance(shown, list):
        return http.untold(response)
    ids = [str(at(each, "_id") or "") for each in shown if at(each, "metadata", CORRELATION_KEY) == sought.delivery_id]
    if not ids and len(shown) >= SEARCHED_MAX:
        return c.Unclear(f"more than {SEARCHED_MAX} mails to this recipient could be this one")
    return c.Found(ids[0] or None) if ids else http.unseen(sought.message)


PROVIDER: Final = c.Provider(
    name=MAIL.name,
    title="Mandrill",
    docs="https://mailchimp.com/developer/transactional/api/messages/",
    settings=http.settings_of(REGIONS, http.WEBHOOK_SECRET, http.WEBHOOK_URL),
    limits=LIMITS,
    rows=ROWS,
    fault=MAIL.fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=1800.0, kept_s=7 * 86_400.0, start=_ask, read=_find),
    probe=lambda account: _request(account, "users/ping2", account.settings["api_key"], {}),
    probe_refused=frozenset({401}),
    webhook=events.WEBHOOK,
    history=history.history(_search),
)
