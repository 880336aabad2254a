"""Scaleway Transactional Email: https://www.scaleway.com/en/developers/api/transactional-email/

It has no tags and no metadata, and its list shows no headers: nothing in it says which delivery a mail was. So it can
prove that a mail is not there, and never that it is. Each recipient has an id of his own; that of the first one stands
for the mail.
"""

from base64 import b64encode
from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.fields import quoted_mailbox, without_repeats
from everpost.providers.json_mail import JsonMail, address_as
from everpost.providers.reading import Reading, at, decoded, read_answer
from everpost.providers.scaleway import events, history

REGIONS: Final = {"fr-par": "https://api.scaleway.com"}
ABOVE: Final = "/transactional-email/v1alpha1/regions/fr-par"
PROJECT: Final = c.Setting(name="project_id", help="the project of the sending domain", required=True)

ROWS: Final = (
    c.Row(400, r"\b(attachment|too many|too large|exceed|limit)", c.REFUSED_HERE, "a limit of Scaleway's own"),
    c.Row(403, "^quotas_exceeded", c.QUOTA_USED_UP),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := MAIL.fault(message):
        return c.Unsendable(reason)
    body = MAIL.whole(message, delivery_id) | {"project_id": account.settings["project_id"]}
    return _request("POST", account, "/emails", account.settings["api_key"], body)


def _body(message: Draft, delivery_id: str) -> dict[str, Any]:
    to, cc, bcc = ([address_as("email", "name", each) for each in group] for group in without_repeats(message))
    answers = ", ".join(quoted_mailbox(each) for each in dict.fromkeys(message.reply_to))
    headers = message.headers | ({"Reply-To": answers} if answers else {}) | {"X-Everpost-Id": delivery_id}
    body = {
        "from": address_as("email", "name", message.sender),
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": [
            {"name": part.filename, "type": part.content_type, "content": b64encode(part.content).decode()}
            for part in message.attachments
        ],
        "additional_headers": [{"key": name, "value": value} for name, value in headers.items()],
    }
    return {name: value for name, value in body.items() if value}


MAIL: Final = JsonMail(
    name="scaleway",
    body=_body,
    own=(("from",), ("to",), ("cc",), ("bcc",), ("project_id",), ("additional_headers",)),
    lines=(("subject",),),
    texts=(("text",), ("html",)),
    text_chars_min=10,
    reserved=frozenset({"message-id", "sender"}),
    inline_types=None,
)


def _request(method: str, account: Account, path: str, key: str, body: Any = None) -> c.HttpRequest:
    return http.json_request(method, http.url_of(account, REGIONS, ABOVE + path), key, body, "X-Auth-Token")


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    body = decoded(response.body)
    if not at(body, "type"):
        return None
    details = at(body, "details")
    faults = details if isinstance(details, list) else []
    told = [(at(each, "argument_name"), at(each, "help_message") or at(each, "reason")) for each in faults]
    return "; ".join(f"{what}: {why}" for what, why in [(body["type"], at(body, "message")), *told])


def _message_id(response: c.HttpResponse) -> str | None:
    emails = at(decoded(response.body), "emails")
    return str(at(emails[0], "id") or "") if isinstance(emails, list) and emails else None


READING: Final = Reading(words=_words, message_id=_message_id, rows=ROWS)

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    begin, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in http.window(sought))
    what = {"project_id": sought.account.settings["project_id"], "mail_rcpt": http.searched(sought.message)}
    query = urlencode(what | {"since": begin, "until": end, "page_size": 1})
    return _read(sought.account, f"/emails?{query}")


def _read(account: Account, path: str) -> c.HttpRequest:
    return _request("GET", account, path, http.lookup_key(account))


def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    body = decoded(response.body)
    shown, count = at(body, "emails"), at(body, "total_count")
    if response.status != 200 or not isinstance(shown, list) or not isinstance(count, int):
        return http.untold(response)
    if shown or count:
        return c.Unclear("it shows a mail to this recipient, but not whether it is this one")
    return http.unseen(sought.message)


PROVIDER: Final = c.Provider(
    name=MAIL.name,
    title="Scaleway",
    docs="https://www.scaleway.com/en/developers/api/transactional-email/",
    settings=http.settings_of(REGIONS, PROJECT, http.WEBHOOK_TOPICS),
    limits=c.Limits(
        recipients_max=10,
        content_bytes_max=1400 << 10,  # 2 MB in base64
        inline=False,
        tags_max=0,
        metadata=False,
    ),
    rows=ROWS,
    fault=MAIL.fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=1800.0, kept_s=86_400.0, start=_ask, read=_find),  # it promises neither
    probe=lambda account: _read(account, "/domains?page_size=1"),
    probe_refused=frozenset({401}),
    webhook=events.WEBHOOK,
    history=history.history(_read),
)
