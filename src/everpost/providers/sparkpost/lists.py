"""SparkPost's suppression list: https://developers.sparkpost.com/api/suppression-list/

An entry stops mail that is transactional, or mail that is not. Who unsubscribes is added for the latter alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from everpost.model.account import Account
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers import http
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.reading import at
from everpost.providers.sparkpost.adapter import REGIONS

SOURCES: Final = {
    "Bounce Rule": Source.BOUNCE,
    "Spam Complaint": Source.COMPLAINT,
    "List Unsubscribe": Source.UNSUBSCRIBE,
    "Unsubscribe Link": Source.UNSUBSCRIBE,
}
KINDS: Final = {Source.UNSUBSCRIBE: ("non_transactional",)}
ALL_KINDS: Final = ("transactional", "non_transactional")
FIRST: Final = "initial"
PAGE_MAX: Final = 1000


def _request(method: str, account: Account, query: str, body: Any = None) -> HttpRequest:
    url = http.url_of(account, REGIONS, f"/api/v1/suppression-list{query}")
    return http.json_request(method, url, http.lookup_key(account), body)


def _ask(account: Account, _: str, place: str) -> HttpRequest:
    return _request("GET", account, "?" + urlencode({"cursor": place or FIRST, "per_page": PAGE_MAX}))


def _read(_name: str, _place: str, body: Any) -> Page | None:
    items, links = at(body, "results"), at(body, "links")
    if not isinstance(items, list):
        return None
    following = (at(link, "href") for link in links if at(link, "rel") == "next") if isinstance(links, list) else ()
    further = parse_qs(urlsplit(str(next(iter(following), ""))).query).get("cursor", [""])[0]
    rows = ((at(item, "recipient"), _source(item), at(item, "description")) for item in items)
    return Page(rows_of(rows), further if items else "")


def _source(item: Any) -> Source:
    return SOURCES.get(str(at(item, "source")), Source.ACCOUNT)


def _add(account: Account, rows: Sequence[SuppressionDraft]) -> Iterator[HttpRequest]:
    entries = [
        {"recipient": row.address, "type": kind, "description": row.reason}
        for row in rows
        for kind in KINDS.get(row.source, ALL_KINDS)
    ]
    yield _request("PUT", account, "", {"recipients": entries})


LISTS: Final = Lists(
    names=("account",),
    ask=_ask,
    read=_read,
    add=_add,
    takes=frozenset({Source.BOUNCE, Source.COMPLAINT, Source.UNSUBSCRIBE}),
    at_once_max=PAGE_MAX,
)
