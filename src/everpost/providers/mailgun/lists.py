"""Mailgun's suppressions, of the account's domain:
https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/bounces"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from everpost.model.account import Account
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers import http
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.mailgun.adapter import REGIONS
from everpost.providers.reading import at

SOURCES: Final = {"bounces": Source.BOUNCE, "complaints": Source.COMPLAINT, "unsubscribes": Source.UNSUBSCRIBE}
PAGE_MAX: Final = 1000


def _request(method: str, account: Account, path: str, body: Any = None) -> HttpRequest:
    url = http.url_of(account, REGIONS, f"/v3/{quote(account.settings['domain'], safe='')}/{path}")
    return http.json_request(method, url, http.basic("api", http.lookup_key(account)), body)


def _ask(account: Account, name: str, place: str) -> HttpRequest:
    query = {"limit": PAGE_MAX} | ({"page": "next", "address": place} if place else {})
    return _request("GET", account, f"{name}?{urlencode(query)}")


def _read(name: str, place: str, body: Any) -> Page | None:
    """The last page is empty, and names itself as the next one."""
    items = at(body, "items")
    if not isinstance(items, list):
        return None
    following = parse_qs(urlsplit(str(at(body, "paging", "next") or "")).query).get("address", [""])[0]
    rows = rows_of((at(item, "address"), SOURCES[name], at(item, "error")) for item in items)
    return Page(rows, following if items and following != place else "")


def _add(account: Account, rows: Sequence[SuppressionDraft]) -> Iterator[HttpRequest]:
    for name, source in SOURCES.items():
        some = [_row(row) for row in rows if row.source is source]
        if some:
            yield _request("POST", account, name, some)


def _row(row: SuppressionDraft) -> dict[str, Any]:
    further: dict[Source, dict[str, Any]] = {
        Source.BOUNCE: {"code": "550", "error": row.reason},
        Source.UNSUBSCRIBE: {"tags": ["*"]},
    }
    return {"address": row.address, **further.get(row.source, {})}


LISTS: Final = Lists(
    names=tuple(SOURCES), ask=_ask, read=_read, add=_add, takes=frozenset(SOURCES.values()), at_once_max=PAGE_MAX
)
