"""Resend's suppressions: https://resend.com/docs/api-reference/suppressions/list-suppressions

They know no unsubscriptions; whatever is added is listed as added by hand, and stops all mail.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers import http
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.reading import at
from everpost.providers.resend.adapter import REGIONS

SOURCES: Final = {"bounce": Source.BOUNCE, "complaint": Source.COMPLAINT}
PAGE_MAX: Final = 100


def _request(method: str, account: Account, path: str, body: Any = None) -> HttpRequest:
    url = http.url_of(account, REGIONS, f"/suppressions{path}")
    return http.json_request(method, url, f"Bearer {account.settings['api_key']}", body)


def _ask(account: Account, _: str, place: str) -> HttpRequest:
    return _request("GET", account, "?" + urlencode({"limit": PAGE_MAX} | ({"after": place} if place else {})))


def _read(_name: str, _place: str, body: Any) -> Page | None:
    items = at(body, "data")
    if not isinstance(items, list):
        return None
    rows = rows_of((at(item, "email"), _source(item), "") for item in items)
    return Page(rows, str(at(items[-1], "id") or "") if items and at(body, "has_more") is True else "")


def _source(item: Any) -> Source:
    return SOURCES.get(str(at(item, "origin")), Source.ACCOUNT)


def _add(account: Account, rows: Sequence[SuppressionDraft]) -> Iterator[HttpRequest]:
    yield _request("POST", account, "/batch/add", {"emails": [row.address for row in rows]})


LISTS: Final = Lists(
    names=("team",),
    ask=_ask,
    read=_read,
    add=_add,
    takes=frozenset({Source.BOUNCE, Source.COMPLAINT, Source.UNSUBSCRIBE}),
    at_once_max=100,
)
