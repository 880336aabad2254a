"""Resend: https://resend.com/docs/api-reference/emails/send-email

A delivery's id is its Idempotency-Key: the same request again gets the first one's answer, and sends nothing.
"""

from base64 import b64encode
from typing import Any, Final

from msgspec.structs import replace

from everpost.model.account import Account
from everpost.model.limits import CONTENT_BYTES_MAX
from everpost.model.message import Attachment, Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.fields import quoted_mailbox, without_repeats
from everpost.providers.json_mail import JsonMail
from everpost.providers.reading import Reading, at, decoded, id_at, read_answer
from everpost.providers.resend import events, history

REGIONS: Final = {"world": "https://api.resend.com"}
KEY_HEADER: Final = "Idempotency-Key"
ID_HEADER: Final = "X-Everpost-Id"  # comes back in its events
KNOWN_S: Final = 12 * 3600.0  # it knows a key for 24 hours

ROWS: Final = (
    c.Row(400, "^invalid_idempotency_key", c.REFUSED_HERE, "our fault, and not that of the mail"),
    c.Row(403, "^(validation_error|invalid_from_address)", c.REFUSED_HERE, "this sender's fault"),
    c.Row(422, "^invalid_from_address", c.REFUSED_HERE, "this sender's fault"),
    c.Row(422, "^invalid_access", c.REFUSED_ACCOUNT),
    c.Row(429, "^(daily|monthly)_quota_exceeded", c.QUOTA_USED_UP),
    c.Row(451, "", c.REFUSED_HERE, "a policy on this content"),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := MAIL.fault(message):
        return c.Unsendable(reason)
    request = _request("POST", account, "/emails", account.settings["api_key"], MAIL.whole(message, delivery_id))
    return replace(request, headers={**request.headers, KEY_HEADER: delivery_id})


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    to, cc, bcc = ([quoted_mailbox(each) for each in group] for group in without_repeats(message))
    body = {
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "reply_to": [quoted_mailbox(each) for each in dict.fromkeys(message.reply_to)],
        "text": message.text,
        "html": message.html,
        "attachments": [_file(part) for part in message.attachments],
    }
    always = {
        "from": quoted_mailbox(message.sender),
        "subject": message.subject,
        "headers": message.headers | {ID_HEADER: delivery_id},
    }
    return always | {name: value for name, value in body.items() if value}


def _file(part: Attachment) -> dict[str, str]:
    """Its type is left to its name where that has an ending: Resend drops mail in silence where the two differ."""
    file = {"filename": part.filename, "content": b64encode(part.content).decode()}
    if "." not in part.filename:
        file["content_type"] = part.content_type
    return file if part.content_id is None else file | {"content_id": part.content_id}


MAIL: Final = JsonMail(
    name="resend",
    body=_body,
    own=(("from",), ("to",), ("cc",), ("bcc",), ("headers", ID_HEADER)),
    lines=(("subject",), ("headers",), ("reply_to",)),
    texts=(("text",), ("html",), ("template",)),
)


def _request(method: str, account: Account, path: str, key: str, body: Any = None) -> c.HttpRequest:
    return http.json_request(method, http.url_of(account, REGIONS, path), f"Bearer {key}", body)


def _read(account: Account, path: str) -> c.HttpRequest:
    return _request("GET", account, path, http.lookup_key(account))


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    body = decoded(response.body)
    return f"{at(body, 'name')}: {at(body, 'message')}" if at(body, "name") else None


READING: Final = Reading(words=_words, message_id=lambda response: id_at(response, "id"), rows=ROWS)

PROVIDER: Final = c.Provider(
    name="resend",
    title="Resend",
    docs="https://resend.com/docs/api-reference/emails/send-email",
    settings=http.settings_of(REGIONS, http.WEBHOOK_SECRET),
    limits=c.Limits(
        recipients_max=50,
        content_bytes_max=CONTENT_BYTES_MAX,
        tags_max=0,
        metadata=False,
        file_types=c.FileTypes.BY_NAME,
    ),
    rows=ROWS,
    fault=MAIL.fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Replay(kept_s=KNOWN_S),
    probe=lambda account: _request("GET", account, "/domains", account.settings["api_key"]),
    webhook=events.WEBHOOK,
    history=history.history(_read),
)
