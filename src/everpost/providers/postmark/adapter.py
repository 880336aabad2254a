"""Postmark: https://postmarkapp.com/developer/api/email-api

The words of an answer begin with its ErrorCode, which looks like a status at times and means something else.
"""

from base64 import b64encode
from typing import Any, Final
from urllib.parse import urlencode

from msgspec.structs import replace

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.fields import fault_of, header_of, mailbox_line, needs_to, quoted_mailbox, without_repeats
from everpost.providers.options import merge_fault, merged
from everpost.providers.postmark import events, history
from everpost.providers.reading import Reading, at, decoded, id_at, read_answer

NAME: Final = "postmark"
REGIONS: Final = {"world": "https://api.postmarkapp.com"}
TOKEN: Final = "X-Postmark-Server-Token"  # noqa: S105  the name of a header
KEEP_ID: Final = "X-PM-KeepID"  # without it, the caller's Message-ID is replaced
OWN: Final = (("From",), ("To",), ("Cc",), ("Bcc",), ("Metadata", CORRELATION_KEY))
LINES: Final = (("Subject",), ("Headers",), ("ReplyTo",), ("Tag",))
IN_ANY_CASE: Final = frozenset(["From", "To", "Cc", "Bcc", "Metadata", "Headers", "Subject"])  # of letters
TEMPLATES: Final = ("TemplateId", "TemplateAlias")
STREAM: Final = c.Setting(name="message_stream", help="stream that mail goes through, if not the default one")
FOUND_MAX: Final = 10
LIMITS: Final = c.Limits(recipients_max=50, content_bytes_max=7 << 20, tags_max=1)  # 10 MB in all, in base64

ROWS: Final = (
    c.Row(200, "will not deliver to these inactive", c.ACCEPTED, "the others are served"),
    c.Row(422, r"^100 ", c.UNAVAILABLE, "maintenance"),
    c.Row(422, r"^405 ", c.QUOTA_USED_UP, "no credits are left"),
    c.Row(422, r"^41[23] ", c.REFUSED_ACCOUNT, "it is not approved yet, or may not send"),
    c.Row(422, r"^300 .*(metadata|recipients)", c.REFUSED_HERE, "limits of its own"),
    c.Row(422, r"^(?!(300|402|403|409) )", c.REFUSED_HERE, "the sender, suppressions, file types: not the mail itself"),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := fault(message):
        return c.Unsendable(reason)
    stream = account.settings.get("message_stream")
    ours = _body(message, delivery_id) | ({"MessageStream": stream} if stream else {})
    whole = merged(ours, message.provider_options.get(NAME, {}))
    is_template = any(name in whole for name in TEMPLATES)
    return request_of("POST", account, "/email/withTemplate" if is_template else "/email", whole)


def fault(message: Draft) -> str | None:
    options = message.provider_options.get(NAME, {})
    if any(name.title() in IN_ANY_CASE and name not in IN_ANY_CASE for name in options):
        return "provider_options may name Postmark's fields in Postmark's own letters only"
    ours = _body(replace(message, attachments=()), "")  # files play no part, and may be large
    whole = merged(ours, options)
    reason = fault_of(message, (KEEP_ID.lower(),)) or needs_to(message) or merge_fault(ours, whole, OWN, LINES)
    if not reason and not any(name in whole for name in ("TextBody", "HtmlBody", *TEMPLATES)):
        return "Postmark needs a text"
    return reason or (
        None if all(a.filename for a in message.attachments) else "Postmark takes no files without a name"
    )


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    headers = message.headers | ({KEEP_ID: "true"} if header_of(message, "message-id") else {})
    body = {
        "From": quoted_mailbox(message.sender),
        **dict(zip(("To", "Cc", "Bcc"), map(mailbox_line, without_repeats(message)), strict=True)),
        "ReplyTo": mailbox_line(message.reply_to),
        "Subject": message.subject,
        "TextBody": message.text,
        "HtmlBody": message.html,
        "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
        "Tag": next(iter(LIMITS.kept(message.tags)), None),
        "Metadata": message.metadata | {CORRELATION_KEY: delivery_id},
        "Attachments": [
            {
                "Name": part.filename,
                "Content": b64encode(part.content).decode(),
                "ContentType": part.content_type,
                **({} if part.content_id is None else {"ContentID": f"cid:{part.content_id}"}),
            }
            for part in message.attachments
        ],
    }
    return {name: value for name, value in body.items() if value}


def request_of(method: str, account: Account, path: str, body: Any = None) -> c.HttpRequest:
    url = http.url_of(account, REGIONS, path)
    request = http.json_request(method, url, account.settings["api_key"], body, header=TOKEN)
    return replace(request, headers={"Accept": "application/json", **request.headers})


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    body = decoded(response.body)
    return f"{at(body, 'ErrorCode') or 0} {at(body, 'Message')}" if at(body, "Message") else None


def _message_id(response: c.HttpResponse) -> str | None:
    return None if at(decoded(response.body), "ErrorCode") else id_at(response, "MessageID")


READING: Final = Reading(words=_words, message_id=_message_id, rows=ROWS)

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    query = urlencode({"count": FOUND_MAX, "offset": 0, f"metadata_{CORRELATION_KEY}": sought.delivery_id})
    return request_of("GET", sought.account, f"/messages/outbound?{query}")


def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    shown = at(decoded(response.body), "Messages")
    if response.status != 200 or not isinstance(shown, list):
        return http.nothing_told(response)
    ids = [at(each, "MessageID") for each in shown if at(each, "Metadata", CORRELATION_KEY) == sought.delivery_id]
    if ids:
        return c.Found(str(ids[0]) if ids[0] else None)
    return c.Unclear("it shows other mails than were asked for") if shown else c.Absent()


PROVIDER: Final = c.Provider(
    name=NAME,
    title="Postmark",
    docs="https://postmarkapp.com/developer/api/email-api",
    settings=(http.API_KEY, http.BASE_URL, http.WEBHOOK_SECRET, STREAM),
    limits=LIMITS,
    rows=ROWS,
    fault=fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=300.0, kept_s=7 * 86_400.0, start=_ask, read=_find),
    probe=lambda account: request_of("GET", account, "/server"),
    probe_refused=frozenset({401}),
    webhook=events.WEBHOOK,
    history=history.history(lambda account, path: request_of("GET", account, path)),
)
