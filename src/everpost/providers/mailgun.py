"""Mailgun v3: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages

A domain's sending key can only send: the lookup and the probe need an account's key.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urlencode

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.limits import CONTENT_BYTES_MAX
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import fields, http, mailgun_events, mailgun_history
from everpost.providers.forms import FilePart, is_field_name, render_form
from everpost.providers.options import form_fault, with_options
from everpost.providers.reading import Reading, at, decoded, read_answer

REGIONS: Final = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
OWN: Final = frozenset(f"from to cc bcc h:from h:to h:cc h:bcc h:sender h:message-id v:{CORRELATION_KEY}".split())
LINES: Final = ("h:", "o:", "subject")  # options that end up in lines of the header
DOMAIN: Final = c.Setting(name="domain", form=c.Form.DOMAIN, help="sending domain", required=True)
PUT_OFF: Final = (("o:deliverytime",), ("o:deliverytime-optimize-period",), ("o:time-zone-localize",))
BARE_WORDS: Final = ("Forbidden", "Mailgun Magnificent API")  # the two answers that are no JSON objects

ROWS: Final = (
    c.Row(200, "magnificent", c.REFUSED_ACCOUNT, "the API's greeting: the host or the domain is wrong"),
    c.Row(400, "authorized recipient|too many recipients|limited to 16 ?kb", c.REFUSED_HERE, "other mails are fine"),
    c.Row(403, "authorized recipient|large batches", c.REFUSED_HERE, "other mails are fine"),
    c.Row(400, "not allowed to send", c.REFUSED_ACCOUNT),
    c.Row(420, "", c.THROTTLED, "seen instead of the 429 that is documented"),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := fault(message):
        return c.Unsendable(reason)
    form = with_options(_fields(message, delivery_id), message.provider_options.get("mailgun", {}))
    body = render_form(delivery_id, form, _files(message))
    return http.request_of("POST", _url(account, "/v3/{}/messages"), _login(account.settings["api_key"]), *body)


def fault(message: Draft) -> str | None:
    options = message.provider_options.get("mailgun", {})
    names = {name for name, _ in with_options(_fields(message, ""), options)}
    if reason := fields.fault_of(message) or fields.needs_to(message) or form_fault(options, OWN, LINES):
        return reason
    if not all(is_field_name(name) for name in names):
        return "Mailgun takes names of metadata and options in printable ASCII without quotes only"
    if not message.sender.email.isascii():
        return "Mailgun writes a From field that is not valid for an address with letters beyond ASCII"
    if not {"text", "html", "template", "amp-html"} & names:
        return "Mailgun needs a text"
    if not all(file.filename for file in _files(message)):
        return "Mailgun drops attachments without a file name"
    return None


def _fields(message: Draft, delivery_id: str) -> Iterator[tuple[str, str]]:
    yield "from", fields.quoted_mailbox(message.sender)
    for name, group in zip(("to", "cc", "bcc"), fields.without_repeats(message), strict=True):
        yield from ((name, fields.quoted_mailbox(address)) for address in group)
    yield "subject", message.subject
    yield from ((name, text) for name, text in (("text", message.text), ("html", message.html)) if text)
    yield from ((f"h:{name}", value) for name, value in message.headers.items() if name.lower() != "message-id")
    if message.reply_to:
        yield "h:Reply-To", ", ".join(fields.quoted_mailbox(address) for address in dict.fromkeys(message.reply_to))
    yield from (("o:tag", tag) for tag in dict.fromkeys(message.tags))
    yield from ((f"v:{key}", value) for key, value in message.metadata.items())
    yield "h:Message-Id", fields.message_id_of(message, delivery_id)
    yield f"v:{CORRELATION_KEY}", delivery_id


def _files(message: Draft) -> Iterator[FilePart]:
    """The html refers to an inline part by its file name."""
    for part in message.attachments:
        field, name = ("attachment", part.filename) if part.content_id is None else ("inline", part.content_id)
        yield FilePart(field, name, part.content_type, part.content)


def _url(account: Account, path: str) -> str:
    return http.url_of(account, REGIONS, path.format(quote(account.settings["domain"], safe="")))


def _login(key: str) -> str:
    return http.basic("api", key)


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    body = decoded(response.body)
    text = response.body.decode(errors="replace").strip('" \r\n')
    return text if text in BARE_WORDS else str(body["message"]) if at(body, "message") else None


def _message_id(response: c.HttpResponse) -> str | None:
    return str(at(decoded(response.body), "id") or "").strip("<>") or None


WAIT: Final = re.compile(r"try again after (.+?)(?: seconds?)?\.?$")
READING: Final = Reading(words=_words, message_id=_message_id, rows=ROWS, wait=WAIT)

# --- what became of it -----------------------------------------------------------------------------------------------


def _ask(sought: c.Sought) -> c.HttpRequest:
    begin, end = (int(at.timestamp()) for at in http.window(sought))
    what = {"event": "accepted", "recipient": http.searched(sought.message), "begin": begin, "end": end}
    url = _url(sought.account, "/v3/{}/events?" + urlencode(what | mailgun_history.PAGE))
    return http.request_of("GET", url, _login(http.lookup_key(sought.account)))


@http.unless_put_off("mailgun", *PUT_OFF)
def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    page = decoded(response.body)
    events, following = at(page, "items"), at(page, "paging", "next")
    if response.status != 200 or not isinstance(events, list):
        return http.untold(response)
    for event in events:
        message_id = str(at(event, "message", "headers", "message-id") or "")
        if sought.delivery_id in (at(event, "user-variables", CORRELATION_KEY), message_id.partition("@")[0]):
            return c.Found(message_id or None)
    if not events or not following:
        return http.unseen(sought.message)
    if not http.is_own(sought.account, REGIONS, str(following)):
        return c.Unclear("the next page of events is at another host")
    return c.Ask((http.request_of("GET", str(following), _login(http.lookup_key(sought.account))),))


PROVIDER: Final = c.Provider(
    name="mailgun",
    title="Mailgun",
    docs="https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages",
    settings=http.settings_of(REGIONS, http.WEBHOOK_SECRET, DOMAIN),
    limits=c.Limits(recipients_max=1000, content_bytes_max=CONTENT_BYTES_MAX, tags_max=10),
    rows=ROWS,
    fault=fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=1800.0, kept_s=86_400.0, start=_ask, read=_find),
    probe=lambda account: http.request_of("GET", _url(account, "/v4/domains/{}"), _login(http.lookup_key(account))),
    webhook=mailgun_events.WEBHOOK,
    history=mailgun_history.history(_url, REGIONS),
)
