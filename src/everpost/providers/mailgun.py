"""Mailgun v3: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages

Events show a message id without its angle brackets. A domain's sending key can only send: the lookup and the probe
need an account's key.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

from everpost.model.account import Account
from everpost.model.limits import CONTENT_BYTES_MAX
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers.fields import CORRELATION_KEY, fault_of, message_id_of, quoted_mailbox, without_repeats
from everpost.providers.forms import FilePart, is_field_name, render_form
from everpost.providers.http import lookup_key, request_of, settings_of, untold, url_of, window
from everpost.providers.options import form_fields
from everpost.providers.reading import Reading, Row, at, decoded, read_answer

REGIONS: Final = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
OWN_FIELDS: Final = frozenset({"from", "to", "cc", "bcc", f"v:{CORRELATION_KEY}", "h:message-id"})
EVENTS_MAX: Final = 300
BARE_WORDS: Final = ("Forbidden", "Mailgun Magnificent API")  # the two answers that are no JSON objects

ROWS: Final = (
    Row(200, "magnificent", c.REFUSED_ACCOUNT),  # the API's greeting: wrong host, or a `/` in the domain
    Row(400, "authorized recipient", c.REFUSED_HERE),  # a sandbox domain: other recipients are fine
    Row(400, "not allowed to send", c.REFUSED_ACCOUNT),
    Row(400, "too many recipients|limited to 16 ?kb", c.REFUSED_HERE),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    options = message.provider_options.get("mailgun", {})
    fault = fault_of(message) or _unfit(message, options)
    if fault:
        return c.Unsendable(fault)
    fields = [*_fields(message, delivery_id), *form_fields(options)]
    if not all(is_field_name(name) for name, _ in fields):
        return c.Unsendable("Mailgun takes names of metadata and options in printable ASCII without quotes only")
    form = render_form(delivery_id, fields, _files(message))
    return request_of("POST", _url(account, "messages"), _login(account.settings["api_key"]), *form)


def _fields(message: Draft, delivery_id: str) -> Iterator[tuple[str, str]]:
    yield "from", quoted_mailbox(message.sender)
    for name, group in zip(("to", "cc", "bcc"), without_repeats(message), strict=True):
        yield from ((name, quoted_mailbox(address)) for address in group)
    yield "subject", message.subject
    yield from ((name, text) for name, text in (("text", message.text), ("html", message.html)) if text)
    yield from ((f"h:{name}", value) for name, value in message.headers.items() if name.lower() != "message-id")
    if message.reply_to:
        yield "h:Reply-To", ", ".join(quoted_mailbox(address) for address in message.reply_to)
    yield from (("o:tag", tag) for tag in message.tags)
    yield from ((f"v:{key}", value) for key, value in message.metadata.items())
    yield "h:Message-Id", message_id_of(message, delivery_id)
    yield f"v:{CORRELATION_KEY}", delivery_id


def _files(message: Draft) -> Iterator[FilePart]:
    """The html refers to an inline part by its file name."""
    for part in message.attachments:
        field, name = ("attachment", part.filename) if part.content_id is None else ("inline", part.content_id)
        yield FilePart(field, name, part.content_type, part.content)


def _unfit(message: Draft, options: dict[str, Any]) -> str | None:
    if any(name.lower() in OWN_FIELDS for name in options):
        return "provider_options may not change sender, recipients or ids"
    if not message.to:
        return "Mailgun needs a recipient in `to`"
    if not (message.text or message.html or options.keys() & {"template", "amp-html"}):
        return "Mailgun needs a text"
    if not all(part.filename for part in message.attachments):
        return "Mailgun drops attachments without a file name"
    return None


def _url(account: Account, path: str) -> str:
    return url_of(account, REGIONS, f"/v3/{quote(account.settings['domain'], safe='')}/{path}")


def _login(key: str) -> str:
    return "Basic " + b64encode(f"api:{key}".encode()).decode()


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
    begin, end = (int(at.timestamp()) for at in window(sought))
    what = {"event": "accepted", "recipient": sought.message.recipients[0].email, "begin": begin, "end": end}
    query = urlencode(what | {"ascending": "yes", "limit": EVENTS_MAX})
    return request_of("GET", _url(sought.account, f"events?{query}"), _login(lookup_key(sought.account)))


def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    page = decoded(response.body)
    events, following = at(page, "items"), at(page, "paging", "next")
    if response.status != 200 or not isinstance(events, list):
        return untold(response)
    for event in events:
        message_id = str(at(event, "message", "headers", "message-id") or "")
        if sought.delivery_id in (at(event, "user-variables", CORRELATION_KEY), message_id.partition("@")[0]):
            return c.Found(message_id or None)
    if not events or not following:
        return c.Absent()
    if not str(following).startswith(url_of(sought.account, REGIONS, "/")):
        return c.Unclear("the next page of events is at another host")
    return c.Ask((request_of("GET", str(following), _login(lookup_key(sought.account))),))


PROVIDER: Final = c.Provider(
    name="mailgun",
    title="Mailgun",
    docs="https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages",
    settings=(*settings_of(REGIONS), c.Setting(name="domain", help="sending domain", required=True)),
    limits=c.Limits(recipients_max=1000, content_bytes_max=CONTENT_BYTES_MAX, tags_max=10),
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=1800.0, kept_s=86_400.0, start=_ask, read=_find),
    probe=lambda account: request_of(
        "GET", url_of(account, REGIONS, f"/v3/domains/{account.settings['domain']}"), _login(lookup_key(account))
    ),
)
