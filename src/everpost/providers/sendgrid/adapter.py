"""SendGrid v3: https://www.twilio.com/docs/sendgrid/api-reference/mail-send

`X-Message-Id` is the logs' `sg_message_id` up to its first dot. Without one, any 2xx is UNKNOWN.
"""

from typing import Any, Final
from urllib.parse import quote

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.reading import Reading, at, decoded, read_answer
from everpost.providers.sendgrid import events, history
from everpost.providers.sendgrid.mail import GROUP, LIMITS, NAME, fault, whole

REGIONS: Final = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
CANDIDATES_MAX: Final = 10
LOGS_MAX: Final = 1000

ROWS: Final = (
    c.Row(400, "^bad request$", c.REFUSED_HERE, "it names no fault of the mail"),
    c.Row(400, "total recipients|attachment.*(size|large|limit)|exceeds? .*limit", c.REFUSED_HERE),
    c.Row(401, "maximum credits exceeded", c.QUOTA_USED_UP),
    c.Row(403, "verified sender identity", c.REFUSED_HERE, "this sender's fault, not that of the account"),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := fault(message):
        return c.Unsendable(reason)
    return _request("POST", account, "/v3/mail/send", account.settings["api_key"], whole(message, delivery_id))


def _request(method: str, account: Account, path: str, key: str, body: Any = None) -> c.HttpRequest:
    return http.json_request(method, http.url_of(account, REGIONS, path), f"Bearer {key}", body)


def _read(account: Account, path: str, body: Any) -> c.HttpRequest:
    return _request("GET" if body is None else "POST", account, path, http.lookup_key(account), body)


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    errors = at(decoded(response.body), "errors")
    return "; ".join(str(at(error, "message")) for error in errors) if isinstance(errors, list) else None


READING: Final = Reading(words=_words, message_id=lambda response: response.headers.get("x-message-id"), rows=ROWS)

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    begin, end = (f'TIMESTAMP "{at:%Y-%m-%dT%H:%M:%SZ}"' for at in http.window(sought))
    recipient = http.searched(sought.message).replace("'", "''")
    created = f"sg_message_id_created_at >= {begin} AND sg_message_id_created_at <= {end}"
    body = {"query": f"to_email = '{recipient}' AND {created}", "limit": LOGS_MAX}
    return _request("POST", sought.account, "/v3/logs", http.lookup_key(sought.account), body)


@http.unless_put_off(NAME, ("send_at",), (GROUP, "send_at"))
def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    body = decoded(response.body)
    if response.status == 200 and isinstance(logged := at(body, "messages"), list):
        return _candidates(sought, logged)
    if response.status == 200 and at(body, "sg_message_id"):
        found = at(body, "custom_args", CORRELATION_KEY) == sought.delivery_id
        return c.Found(str(body["sg_message_id"]).partition(".")[0]) if found else c.Absent()
    return http.untold(response)


def _candidates(sought: c.Sought, logged: list[Any]) -> c.Finding:
    """The logs can't be searched by our id, so each mail to this recipient is looked at. Their subjects only narrow
    the search where there are too many, and then only if no template can have written one."""
    message, key = sought.message, http.lookup_key(sought.account)
    many = len(logged) > CANDIDATES_MAX and NAME not in message.provider_options
    fits = [each for each in logged if not many or http.same_text(at(each, "subject"), message.subject)]
    if len(fits) > CANDIDATES_MAX or len(logged) >= LOGS_MAX:
        return c.Unclear(f"more than {CANDIDATES_MAX} mails to this recipient could be this one")
    paths = (f"/v3/logs/{quote(str(at(each, 'sg_message_id')), safe='')}" for each in fits)
    return c.Ask(tuple(_request("GET", sought.account, path, key) for path in paths)) if fits else http.unseen(message)


PROVIDER: Final = c.Provider(
    name=NAME,
    title="SendGrid",
    docs="https://www.twilio.com/docs/sendgrid/api-reference/mail-send",
    settings=http.settings_of(REGIONS, http.WEBHOOK_SECRET),
    limits=LIMITS,
    rows=ROWS,
    fault=fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=300.0, kept_s=30 * 86_400.0, start=_ask, read=_find),
    probe=lambda account: _request("GET", account, "/v3/scopes", account.settings["api_key"]),
    probe_refused=frozenset({401}),
    webhook=events.WEBHOOK,
    history=history.history(_read),
)
