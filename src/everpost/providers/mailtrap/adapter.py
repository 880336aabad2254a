"""Mailtrap: https://docs.mailtrap.io/developers/email-sending

Each recipient has a message id of his own; that of the first one stands for the mail. Its logs are at another host.
"""

from base64 import b64encode
from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Attachment, Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.fields import without_repeats
from everpost.providers.json_mail import JsonMail, address_as
from everpost.providers.mailtrap import events, history
from everpost.providers.reading import Reading, at, decoded, read_answer

STREAMS: Final = {"transactional": "https://send.api.mailtrap.io", "bulk": "https://bulk.api.mailtrap.io"}
LOGS: Final = {"world": "https://mailtrap.io"}
LIMITS: Final = c.Limits(recipients_max=1000, content_bytes_max=7 << 20, tags_max=1)  # 10 MB in base64
STREAM: Final = c.Setting(
    name="stream", help="of its two streams, the one for this mail", default="transactional", choices=tuple(STREAMS)
)

ROWS: Final = (c.Row(403, r"\bdomain\b", c.REFUSED_HERE, "this sender's fault, not that of the account"),)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := MAIL.fault(message):
        return c.Unsendable(reason)
    stream = {"": STREAMS[account.settings.get("stream") or "transactional"]}
    login = f"Bearer {account.settings['api_key']}"
    return http.json_request("POST", http.url_of(account, stream, "/api/send"), login, MAIL.whole(message, delivery_id))


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    to, cc, bcc = ([address_as("email", "name", each) for each in group] for group in without_repeats(message))
    body = {
        "from": address_as("email", "name", message.sender),
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "reply_to": address_as("email", "name", message.reply_to[0]) if message.reply_to else None,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": [_file(part) for part in message.attachments],
        "headers": message.headers,
        "category": next(iter(LIMITS.kept(message.tags)), None),
        "custom_variables": message.metadata | {CORRELATION_KEY: delivery_id},
    }
    return {name: value for name, value in body.items() if value}


MAIL: Final = JsonMail(
    name="mailtrap",
    body=_body,
    own=(("from",), ("to",), ("cc",), ("bcc",), ("custom_variables", CORRELATION_KEY)),
    lines=(("subject",), ("headers",), ("reply_to",)),
    texts=(("text",), ("html",), ("template_uuid",)),
    needs_subject=True,
    reserved=frozenset({"message-id", "sender"}),
    reply_to_max=1,
)


def _file(part: Attachment) -> dict[str, str]:
    file = {"filename": part.filename, "type": part.content_type, "content": b64encode(part.content).decode()}
    return file if part.content_id is None else file | {"disposition": "inline", "content_id": part.content_id}


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    errors = at(decoded(response.body), "errors")
    return "; ".join(map(str, errors)) or None if isinstance(errors, list) else None


def _message_id(response: c.HttpResponse) -> str | None:
    body = decoded(response.body)
    ids = at(body, "message_ids") if at(body, "success") is True else None
    return str(ids[0] or "") if isinstance(ids, list) and ids else None


READING: Final = Reading(words=_words, message_id=_message_id, rows=ROWS)

# --- what became of it -----------------------------------------------------------------------------------------------


def _read(account: Account, path: str) -> c.HttpRequest:
    return http.request_of("GET", http.url_of(account, LOGS, path), f"Bearer {http.lookup_key(account)}")


def _ask(sought: c.Sought, **more: str) -> c.HttpRequest:
    begin, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in http.window(sought))
    filters = {"sent_after": begin, "sent_before": end}
    recipient = {"to][operator": "ci_equal", "to][value": http.searched(sought.message)}
    query = {f"filters[{name}]": value for name, value in (filters | recipient).items()}
    return _read(sought.account, f"/api/email_logs?{urlencode(query | more)}")


def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    """Filters that it does not understand are ignored: then there are many pages, and the mail is among them."""
    body = decoded(response.body)
    shown, following = at(body, "messages"), at(body, "next_page_cursor")
    if response.status != 200 or not isinstance(shown, list):
        return http.untold(response)
    for each in shown:
        if at(each, "custom_variables", CORRELATION_KEY) == sought.delivery_id:
            return c.Found(str(at(each, "message_id") or "") or None)
    return c.Ask((_ask(sought, search_after=str(following)),)) if following else http.unseen(sought.message)


PROVIDER: Final = c.Provider(
    name=MAIL.name,
    title="Mailtrap",
    docs="https://docs.mailtrap.io/developers/email-sending",
    settings=http.settings_of(LOGS, http.WEBHOOK_SECRET, STREAM),
    limits=LIMITS,
    rows=ROWS,
    fault=MAIL.fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=1800.0, kept_s=3 * 86_400.0, start=_ask, read=_find),  # kept by plan, for 3 days at least
    probe=lambda account: _read(account, "/api/domains"),
    probe_refused=frozenset({401}),
    webhook=events.WEBHOOK,
    history=history.history(_read),
)
