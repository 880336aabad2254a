"""Mailjet, Send API v3.1: https://dev.mailjet.com/reference/email/send-emails/

Each recipient has a message id of its own; that of the first one stands for the mail. They are numbers beyond 2^53.
"""

from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.mailjet import events, history
from everpost.providers.mailjet.mail import LIMITS, MAIL
from everpost.providers.reading import Reading, at, decoded, read_answer

REGIONS: Final = {"main": "https://api.mailjet.com", "us": "https://api.us.mailjet.com"}
SECRET_KEY: Final = c.Setting(name="secret_key", help="the secret that goes with api_key", required=True, secret=True)

ROWS: Final = (
    c.Row(400, r"\b(mj-0008|mj-0011|send-0015)\b", c.REFUSED_HERE, "too many or too large, for Mailjet"),
    c.Row(400, r"\bsend-00(10|13)\b", c.REFUSED_HERE, "what the mail names is not this account's"),
    c.Row(403, r"\bsend-000[678]\b", c.REFUSED_HERE, "this sender's fault, not that of the account"),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := MAIL.fault(message):
        return c.Unsendable(reason)
    return _request("POST", account, "/v3.1/send", MAIL.whole(message, delivery_id))


def _request(method: str, account: Account, path: str, body: Any = None) -> c.HttpRequest:
    login = http.basic(account.settings["api_key"], account.settings["secret_key"])
    return http.json_request(method, http.url_of(account, REGIONS, path), login, body)


# --- the answer ------------------------------------------------------------------------------------------------------


def _result(response: c.HttpResponse) -> Any:
    """What is said of our one message; where nothing is, what is said of the request."""
    body = decoded(response.body)
    messages = at(body, "Messages")
    return messages[0] if isinstance(messages, list) and messages else body


def _words(response: c.HttpResponse) -> str | None:
    result = _result(response)
    listed = at(result, "Errors")
    errors = [each for each in (listed if isinstance(listed, list) else [result]) if at(each, "ErrorMessage")]
    return "; ".join(f"{at(each, 'ErrorCode') or 'error'}: {at(each, 'ErrorMessage')}" for each in errors) or None


def _message_id(response: c.HttpResponse) -> str | None:
    result = _result(response)
    to = at(result, "To") if at(result, "Status") == "success" else None
    return str(at(to[0], "MessageID") or "") if isinstance(to, list) and to else None


READING: Final = Reading(words=_words, message_id=_message_id, rows=ROWS)

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    begin, end = (int(at.timestamp()) for at in http.window(sought))
    what = {"CustomID": sought.delivery_id, "ShowCustomID": "true", "FromTS": begin, "ToTS": end, "Limit": 50}
    return _request("GET", sought.account, f"/v3/REST/message?{urlencode(what)}")


def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    shown = at(decoded(response.body), "Data")
    if response.status != 200 or not isinstance(shown, list):
        return http.untold(response)
    ids = [str(at(each, "ID") or "") for each in shown if at(each, "CustomID") == sought.delivery_id]
    if not ids and shown:
        return c.Unclear("it shows other mails than the one that it was asked for")
    return c.Found(min(ids, key=lambda text: (len(text), text)) or None) if ids else c.Absent()


PROVIDER: Final = c.Provider(
    name=MAIL.name,
    title="Mailjet",
    docs="https://dev.mailjet.com/reference/email/send-emails/",
    settings=(http.API_KEY, SECRET_KEY, http.region_of(REGIONS), http.BASE_URL, http.WEBHOOK_SECRET),
    limits=LIMITS,
    rows=ROWS,
    fault=MAIL.fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=1800.0, kept_s=7 * 86_400.0, start=_ask, read=_find),  # it promises neither
    probe=lambda account: _request("GET", account, "/v3/REST/sender?Limit=1"),
    probe_refused=frozenset({401}),
    webhook=events.WEBHOOK,
    history=history.history(lambda account, path: _request("GET", account, path)),
)
