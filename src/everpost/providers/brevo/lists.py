"""Brevo's blocked contacts: https://developers.brevo.com/reference/get-transac-blocked-contacts

Nothing can be added to them: a contact that is made for that would be stopped for campaigns alone.
"""

from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.suppression import Source
from everpost.providers import http
from everpost.providers.brevo.adapter import KEY_HEADER, REGIONS
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.reading import at

SOURCES: Final = {
    "hardBounce": Source.BOUNCE,
    "contactFlaggedAsSpam": Source.COMPLAINT,
    "unsubscribedViaMA": Source.UNSUBSCRIBE,
    "unsubscribedViaEmail": Source.UNSUBSCRIBE,
    "unsubscribedViaApi": Source.UNSUBSCRIBE,
}
PAGE_MAX: Final = 100


def _ask(account: Account, _: str, place: str) -> HttpRequest:
    query = urlencode({"limit": PAGE_MAX, "offset": place or 0, "sort": "asc"})
    url = http.url_of(account, REGIONS, f"/smtp/blockedContacts?{query}")
    return http.json_request("GET", url, account.settings["api_key"], header=KEY_HEADER)


def _read(_: str, place: str, body: Any) -> Page | None:
    items = at(body, "contacts")
    if not isinstance(items, list):
        return None
    rows = rows_of((at(item, "email"), _source(item), at(item, "reason", "message")) for item in items)
    return Page(rows, str(int(place or 0) + PAGE_MAX) if len(items) == PAGE_MAX else "")


def _source(item: Any) -> Source:
    return SOURCES.get(str(at(item, "reason", "code")), Source.ACCOUNT)


LISTS: Final = Lists(names=("blocked",), ask=_ask, read=_read)
