"""Mailgun v3: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages

A domain's sending key can only send: the lookup and the probe need an account's key.
"""

import re
from typing import Final
from urllib.parse import quote, urlencode

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.limits import CONTENT_BYTES_MAX
from everpost.model.message import Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.forms import render_form
from everpost.providers.mailgun import events, history
from everpost.providers.mailgun.mail import fault, fields_of, files_of
from everpost.providers.reading import Reading, at, decoded, read_answer

REGIONS: Final = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
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
    body = render_form(delivery_id, fields_of(message, delivery_id), files_of(message))
    url = _url(account, "/v3/{}/messages.mime" if message.is_raw else "/v3/{}/messages")
    return http.request_of("POST", url, _login(account.settings["api_key"]), *body)


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
    url = _url(sought.account, "/v3/{}/events?" + urlencode(what | history.PAGE))
    return http.request_of("GET", url, _login(http.lookup_key(sought.account)))


@http.unless_put_off("mailgun", *PUT_OFF)
def _find(sought: c.Sought, response: c.HttpResponse) -> c.Finding:
    page = decoded(response.body)
    listed, following = at(page, "items"), at(page, "paging", "next")
    if response.status != 200 or not isinstance(listed, list):
        return http.untold(response)
    for event in listed:
        message_id = str(at(event, "message", "headers", "message-id") or "")
        if sought.delivery_id in (at(event, "user-variables", CORRELATION_KEY), message_id.partition("@")[0]):
            return c.Found(message_id or None)
    if not listed or not following:
        return http.unseen(sought.message)
    if not http.is_own(sought.account, REGIONS, str(following)):
        return c.Unclear("the next page of events is at another host")
    return c.Ask((http.request_of("GET", str(following), _login(http.lookup_key(sought.account))),))


PROVIDER: Final = c.Provider(
    name="mailgun",
    title="Mailgun",
    docs="https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages",
    settings=http.settings_of(REGIONS, http.WEBHOOK_SECRET, DOMAIN),
    limits=c.Limits(
        recipients_max=1000, content_bytes_max=CONTENT_BYTES_MAX, raw=True, tags_max=10, inline_names=False
    ),
    rows=ROWS,
    fault=fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=c.Lookup(lag_s=1800.0, kept_s=86_400.0, start=_ask, read=_find),
    probe=lambda account: http.request_of("GET", _url(account, "/v4/domains/{}"), _login(http.lookup_key(account))),
    webhook=events.WEBHOOK,
    history=history.history(_url, REGIONS),
)
