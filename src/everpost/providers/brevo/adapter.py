"""Brevo: https://developers.brevo.com/reference/sendtransacemail

Our id is a tag, by which its records can be searched, and stands in the header that comes back in its events. The key
that it knows a delivery by for half an hour is no answer to a lost one: it keeps a second mail from being sent.
"""

import json
from base64 import b64encode
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.limits import TAGS_MAX
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.brevo import events, history
from everpost.providers.fields import without_repeats
from everpost.providers.json_mail import JsonMail, address_as
from everpost.providers.mime import ascii_line
from everpost.providers.reading import Reading, at, decoded, id_at, read_answer

REGIONS: Final = {"world": "https://api.brevo.com/v3"}
KEY_HEADER: Final = "api-key"
CUSTOM: Final = "X-Mailin-custom"
IDEMPOTENCY: Final = "idempotencyKey"  # stands among the headers of the mail, and is none
EVENTS_MAX: Final = 100
NAMED: Final = tuple((name,) for name in ("sender", "to", "cc", "bcc", "messageVersions", "tags"))
ADDRESS: Final = partial(address_as, "email", "name")

ROWS: Final = (
    c.Row(400, "^duplicate_request", c.UNKNOWN, "it knows the key: it may have taken the mail"),
    c.Row(400, "sender", c.REFUSED_HERE, "this sender's fault"),
    c.Row(400, "htmlcontent|attachment|extension|tags|headers", c.REFUSED_HERE, "rules of its own"),
    c.Row(402, "^not_enough_credits", c.QUOTA_USED_UP),
    c.Row(406, "^[a-z_]+: ", c.REJECTED),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := MAIL.fault(message):
        return c.Unsendable(reason)
    return _request("POST", account, "/smtp/email", MAIL.whole(message, delivery_id))


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    to, cc, bcc = ([ADDRESS(each) for each in group] for group in without_repeats(message))
    files = [{"name": part.filename, "content": b64encode(part.content).decode()} for part in message.attachments]
    ours = {
        CUSTOM: json.dumps(message.metadata | {CORRELATION_KEY: delivery_id}),
        IDEMPOTENCY: str(uuid5(NAMESPACE_URL, delivery_id)),
    }
    body = {
        "sender": ADDRESS(message.sender),
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "replyTo": ADDRESS(message.reply_to[0]) if message.reply_to else None,
        "subject": message.subject,
        "textContent": message.text,
        "htmlContent": message.html,
        "attachment": files,
        "headers": {name: ascii_line(value) for name, value in message.headers.items()} | ours,
        "tags": [*dict.fromkeys(message.tags), delivery_id],
    }
    return {name: value for name, value in body.items() if value}


MAIL: Final = JsonMail(
    name="brevo",
    body=_body,
    own=(*NAMED, ("headers", CUSTOM), ("headers", IDEMPOTENCY)),
    lines=(("subject",), ("headers",)),
    texts=(("textContent",), ("htmlContent",), ("templateId",)),
    reserved=frozenset({CUSTOM.lower(), IDEMPOTENCY.lower()}),
    reply_to_max=1,
)


def _request(method: str, account: Account, path: str, body: Any = None) -> c.HttpRequest:
    url = http.url_of(account, REGIONS, path)
    return http.json_request(method, url, account.settings["api_key"], body, header=KEY_HEADER)


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    body = decoded(response.body)
    return f"{at(body, 'code')}: {at(body, 'message')}" if at(body, "code") else None


def _message_id(response: c.HttpResponse) -> str | None:
    return (id_at(response, "messageId") or "").strip("<>") or None


READING: Final = Reading(words=_words, message_id=_message_id, rows=ROWS, wait_header="x-sib-ratelimit-reset")

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    query = urlencode({"tags": sought.delivery_id, "limit": EVENTS_MAX, "sort": "asc"})
    return _request("GET", sought.account, f"/smtp/statistics/events?{query}")


@http.unless_put_off("brevo", ("scheduledAt",))
def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    listed = history.listed(response)
    if listed is None:
        return http.nothing_told(response)
    tagged = (event for event in listed if sought.delivery_id in history.tags_of(event))
    ids = [str(at(event, "messageId") or "") for event in tagged]
    if listed and not ids:
        return c.Unclear("it shows other mails than were asked for")
    return c.Found(ids[0].strip("<>") or None) if ids else c.Absent()


PROVIDER: Final = c.Provider(
    name=MAIL.name,
    title="Brevo",
    docs="https://developers.brevo.com/reference/sendtransacemail",
    settings=(http.API_KEY, http.BASE_URL, http.WEBHOOK_SECRET),
    limits=c.Limits(
        recipients_max=99,
        content_bytes_max=14 << 20,  # 20 MB in base64
        inline=False,
        tags_max=TAGS_MAX,
        file_types=c.FileTypes.BY_NAME,
    ),
    rows=ROWS,
    fault=MAIL.fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=900.0, kept_s=29 * 86_400.0, start=_ask, read=_find),
    probe=lambda account: _request("GET", account, "/account"),
    probe_refused=frozenset({401}),
    webhook=events.WEBHOOK,
    history=history.history(partial(_request, "GET")),
)
