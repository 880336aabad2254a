"""MailerSend's suppressions: https://developers.mailersend.com/api/v1/recipients.html

Its other lists take entries of one domain alone: whatever is added goes to the blocklist, which stops all mail of the
account. Patterns that stand there are passed over.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers import http
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.mailersend.adapter import REGIONS
from everpost.providers.reading import at

BLOCKLIST: Final = "blocklist"
SOURCES: Final = {
    "hard-bounces": Source.BOUNCE,
    "spam-complaints": Source.COMPLAINT,
    "unsubscribes": Source.UNSUBSCRIBE,
    BLOCKLIST: Source.ACCOUNT,
}
PAGE_MAX: Final = 100


def _request(method: str, account: Account, path: str, body: Any = None) -> HttpRequest:
    url = http.url_of(account, REGIONS, f"/v1/suppressions/{path}")
    return http.json_request(method, url, f"Bearer {http.lookup_key(account)}", body)


def _ask(account: Account, name: str, place: str) -> HttpRequest:
    return _request("GET", account, f"{name}?{urlencode({'limit': PAGE_MAX, 'page': place or 1})}")


def _read(name: str, place: str, body: Any) -> Page | None:
    items = at(body, "data")
    if not isinstance(items, list):
        return None
    rows = rows_of((_address(name, item), SOURCES[name], at(item, "reason")) for item in items)
    return Page(rows, str(int(place or 1) + 1) if at(body, "links", "next") else "")


def _address(name: str, item: Any) -> Any:
    if name != BLOCKLIST:
        return at(item, "recipient", "email")
    return at(item, "pattern") if at(item, "type") == "exact" else None


def _add(account: Account, rows: Sequence[SuppressionDraft]) -> Iterator[HttpRequest]:
    yield _request("POST", account, BLOCKLIST, {"recipients": [row.address for row in rows]})


LISTS: Final = Lists(
    names=tuple(SOURCES),
    ask=_ask,
    read=_read,
    add=_add,
    takes=frozenset({Source.BOUNCE, Source.COMPLAINT, Source.UNSUBSCRIBE}),
    at_once_max=PAGE_MAX,
)
