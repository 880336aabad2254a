"""Mailtrap's suppressions, of both its streams: https://docs.mailtrap.io/developers/email-sending/suppressions

They are added for one domain by its id, one in each request and ten a minute, so nothing is.
"""

from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.suppression import Source
from everpost.providers import http
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.mailtrap.adapter import LOGS
from everpost.providers.reading import at

SOURCES: Final = {
    "hard bounce": Source.BOUNCE,
    "spam complaint": Source.COMPLAINT,
    "unsubscription": Source.UNSUBSCRIBE,
}


def _ask(account: Account, _: str, place: str) -> HttpRequest:
    query = f"?{urlencode({'last_id': place})}" if place else ""
    url = http.url_of(account, LOGS, f"/api/suppressions{query}")
    return http.request_of("GET", url, f"Bearer {http.lookup_key(account)}")


def _read(_name: str, place: str, body: Any) -> Page | None:
    """The page after the last one is empty."""
    if not isinstance(body, list):
        return None
    last = str(at(body[-1], "id") or "") if body else ""
    rows = rows_of((at(item, "email"), _source(item), at(item, "message_bounce_category")) for item in body)
    return Page(rows, last if last != place else "")


def _source(item: Any) -> Source:
    return SOURCES.get(str(at(item, "type")), Source.ACCOUNT)


LISTS: Final = Lists(names=("account",), ask=_ask, read=_read)
