"""SendGrid v3: https://www.twilio.com/docs/sendgrid/api-reference/mail-send

`X-Message-Id` is the logs' `sg_message_id` up to its first dot. Without one, any 2xx is UNKNOWN.
"""

from base64 import b64encode
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from msgspec.structs import replace

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http, sendgrid_events
from everpost.providers.fields import fault_of, needs_to, without_repeats
from everpost.providers.json_mail import address_as
from everpost.providers.options import merge_fault, merged
from everpost.providers.reading import Reading, at, decoded, read_answer

NAME: Final = "sendgrid"
ADDRESS: Final = partial(address_as, "email", "name")
REGIONS: Final = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
RESERVED_HEADERS: Final = ("x-sg-id", "x-sg-eid")  # the rest of its list is refused for every provider
CANDIDATES_MAX: Final = 10
LOGS_MAX: Final = 1000
GROUP: Final = "personalizations"
OUR_IDS: Final = (("custom_args", CORRELATION_KEY), (GROUP, "custom_args", CORRELATION_KEY))
OWN: Final = (("from",), ("mail_settings", "bcc"), *((GROUP, name) for name in ("from", "to", "cc", "bcc")), *OUR_IDS)
LINES: Final = (("subject",), ("headers",), (GROUP, "subject"), (GROUP, "headers"))

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
    whole = merged(_body(message, delivery_id), message.provider_options.get(NAME, {}))
    return _request("POST", account, "/v3/mail/send", account.settings["api_key"], whole)


def fault(message: Draft) -> str | None:
    if not (message.provider_options or message.attachments) and message.subject and (message.text or message.html):
        return fault_of(message, RESERVED_HEADERS) or needs_to(message)  # nothing else can be wrong with a plain mail
    ours = _body(replace(message, attachments=()), "")  # files play no part, and may be large
    whole = merged(ours, message.provider_options.get(NAME, {}))
    reason = fault_of(message, RESERVED_HEADERS) or needs_to(message) or merge_fault(ours, whole, OWN, LINES)
    if not reason and "template_id" not in whole and not ("subject" in whole and "content" in whole):
        return "SendGrid needs a subject and a text"
    return reason or (None if all(a.content for a in message.attachments) else "SendGrid takes no empty attachments")


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    named = zip(("to", "cc", "bcc"), without_repeats(message), strict=True)
    envelope = {name: [ADDRESS(each) for each in group] for name, group in named if group}
    content = (("text/plain", message.text), ("text/html", message.html))
    body = {
        # Those of the whole mail would be overridden by any that provider_options add here.
        GROUP: [envelope | {"custom_args": message.metadata | {CORRELATION_KEY: delivery_id}}],
        "from": ADDRESS(message.sender),
        "reply_to_list": [ADDRESS(each) for each in dict.fromkeys(message.reply_to)],
        "subject": message.subject,
        "content": [{"type": kind, "value": text} for kind, text in content if text],
        "attachments": [
            {
                "content": b64encode(part.content).decode(),
                "type": part.content_type,
                "filename": part.filename,
                **({} if part.content_id is None else {"disposition": "inline", "content_id": part.content_id}),
            }
            for part in message.attachments
        ],
        "headers": message.headers,
        "categories": list(dict.fromkeys(message.tags)),
    }
    return {name: value for name, value in body.items() if value}


def _request(method: str, account: Account, path: str, key: str, body: Any = None) -> c.HttpRequest:
    return http.json_request(method, http.url_of(account, REGIONS, path), f"Bearer {key}", body)


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
    limits=c.Limits(recipients_max=1000, content_bytes_max=22 << 20, tags_max=10),  # 30 MiB in all, in base64
    rows=ROWS,
    fault=fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=300.0, kept_s=30 * 86_400.0, start=_ask, read=_find),
    probe=lambda account: _request("GET", account, "/v3/scopes", account.settings["api_key"]),
    probe_refused=frozenset({401}),
    webhook=sendgrid_events.WEBHOOK,
)
