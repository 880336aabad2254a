"""SendGrid v3: https://www.twilio.com/docs/sendgrid/api-reference/mail-send

`X-Message-Id` is the logs' `sg_message_id` up to its first dot. Without one, any 2xx is UNKNOWN.
"""

from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote

import msgspec

from everpost.model.account import Account
from everpost.model.message import Address, Draft
from everpost.model.outcome import Kind
from everpost.providers import contract as c
from everpost.providers.fields import CORRELATION_KEY, fault_of, without_repeats
from everpost.providers.http import lookup_key, request_of, settings_of, untold, url_of, window
from everpost.providers.options import merged
from everpost.providers.reading import Reading, Row, at, decoded, read_answer

REGIONS: Final = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
RESERVED_HEADERS: Final = ("x-sg-id", "x-sg-eid")  # the rest of its list is refused for every provider
CANDIDATES_MAX: Final = 10
LOGS_MAX: Final = 1000
CONTENT_BYTES_MAX: Final = 22 * 1024 * 1024  # 30 MiB in all, attachments in base64
NO_CREDITS: Final = c.Verdict(kind=Kind.THROTTLED, retry_after_s=3600.0)  # until a quota of days or months resets

ROWS: Final = (
    Row(400, "total recipients|attachment.*(size|large|limit)|exceeds? .*limit", c.REFUSED_HERE),
    Row(401, "maximum credits exceeded", NO_CREDITS),
    Row(403, "verified sender identity", c.REFUSED_HERE),  # this sender's fault, not that of the account
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    body = _body(message)
    whole = merged(body, message.provider_options.get("sendgrid", {}))
    fault = fault_of(message) or _unfit(message, body, whole)
    if fault:
        return c.Unsendable(fault)
    whole["custom_args"] = {**whole.get("custom_args", {}), CORRELATION_KEY: delivery_id}
    return _request("POST", account, "/v3/mail/send", account.settings["api_key"], whole)


def _body(message: Draft) -> dict[str, Any]:
    groups = zip(("to", "cc", "bcc"), without_repeats(message), strict=True)
    content = (("text/plain", message.text), ("text/html", message.html))
    body = {
        "personalizations": [{name: [_address(each) for each in group] for name, group in groups if group}],
        "from": _address(message.sender),
        "reply_to_list": [_address(each) for each in message.reply_to],
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
        "custom_args": message.metadata,
    }
    return {name: value for name, value in body.items() if value}


def _address(address: Address) -> dict[str, str]:
    return {"email": address.email, "name": address.name} if address.name else {"email": address.email}


def _unfit(message: Draft, ours: dict[str, Any], whole: dict[str, Any]) -> str | None:
    kept, group = ours["personalizations"][0], whole["personalizations"]
    if len(group) != 1 or any(group[0].get(name) != kept.get(name) for name in ("to", "cc", "bcc")):
        return "provider_options may not change the recipients"
    if not message.to:
        return "SendGrid needs a recipient in `to`"
    if "template_id" not in whole and not ("subject" in whole and "content" in whole):
        return "SendGrid needs a subject and a text"
    if not all(part.content for part in message.attachments):
        return "SendGrid takes no empty attachments"
    if any(name.lower() in RESERVED_HEADERS for name in message.headers):
        return "SendGrid writes the headers X-SG-ID and X-SG-EID itself"
    return None


def _request(method: str, account: Account, path: str, key: str, body: Any = None) -> c.HttpRequest:
    form = ("", b"") if body is None else ("application/json", msgspec.json.encode(body))
    return request_of(method, url_of(account, REGIONS, path), f"Bearer {key}", *form)


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    errors = at(decoded(response.body), "errors")
    return "; ".join(str(at(error, "message")) for error in errors) if isinstance(errors, list) else None


READING: Final = Reading(words=_words, message_id=lambda response: response.headers.get("x-message-id"), rows=ROWS)

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    begin, end = (f'TIMESTAMP "{at:%Y-%m-%dT%H:%M:%SZ}"' for at in window(sought))
    recipient = sought.message.recipients[0].email.replace("'", "''")
    created = f"sg_message_id_created_at >= {begin} AND sg_message_id_created_at <= {end}"
    body = {"query": f"to_email = '{recipient}' AND {created}", "limit": LOGS_MAX}
    return _request("POST", sought.account, "/v3/logs", lookup_key(sought.account), body)


def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    body = decoded(response.body)
    if response.status == 200 and isinstance(logged := at(body, "messages"), list):
        return _candidates(sought, logged)
    if response.status == 200 and at(body, "sg_message_id"):
        found = at(body, "custom_args", CORRELATION_KEY) == sought.delivery_id
        return c.Found(str(body["sg_message_id"]).partition(".")[0]) if found else c.Absent()
    return untold(response)


def _candidates(sought: c.Sought, logged: list[Any]) -> c.Finding:
    """The logs can't be searched by our id, so each mail to this recipient is looked at. Their subjects, which a
    template may have written, only narrow the search where there are too many."""
    every = len(logged) <= CANDIDATES_MAX
    fits = [each for each in logged if every or at(each, "subject") == sought.message.subject]
    if len(fits) > CANDIDATES_MAX or len(logged) >= LOGS_MAX:
        return c.Unclear(f"more than {CANDIDATES_MAX} mails to this recipient could be this one")
    key = lookup_key(sought.account)
    paths = (f"/v3/logs/{quote(str(at(each, 'sg_message_id')), safe='')}" for each in fits)
    return c.Ask(tuple(_request("GET", sought.account, path, key) for path in paths)) if fits else c.Absent()


PROVIDER: Final = c.Provider(
    name="sendgrid",
    title="SendGrid",
    docs="https://www.twilio.com/docs/sendgrid/api-reference/mail-send",
    settings=settings_of(REGIONS),
    limits=c.Limits(recipients_max=1000, content_bytes_max=CONTENT_BYTES_MAX, tags_max=10),
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=300.0, kept_s=30 * 86_400.0, start=_ask, read=_find),
    probe=lambda account: _request("GET", account, "/v3/scopes", account.settings["api_key"]),
    probe_refused=frozenset({401}),
)
