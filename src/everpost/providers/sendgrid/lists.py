"""SendGrid's suppressions: https://www.twilio.com/docs/sendgrid/api-reference/suppressions

Bounces and complaints can't be brought to it: whatever is added goes to the global unsubscriptions, which stop all
mail.
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
from everpost.providers.sendgrid.adapter import REGIONS

SOURCES: Final = {
    "bounces": Source.BOUNCE,
    "invalid_emails": Source.BOUNCE,
    "spam_reports": Source.COMPLAINT,
    "unsubscribes": Source.UNSUBSCRIBE,
}
PAGE_MAX: Final = 500


def _request(method: str, account: Account, path: str, body: Any = None) -> HttpRequest:
    url = http.url_of(account, REGIONS, f"/v3/{path}")
    return http.json_request(method, url, f"Bearer {http.lookup_key(account)}", body)


def _ask(account: Account, name: str, place: str) -> HttpRequest:
    return _request("GET", account, f"suppression/{name}?{urlencode({'limit': PAGE_MAX, 'offset': place or 0})}")


def _read(name: str, place: str, body: Any) -> Page | None:
    if not isinstance(body, list):
        return None
    rows = rows_of((at(item, "email"), SOURCES[name], at(item, "reason")) for item in body)
    return Page(rows, str(int(place or 0) + PAGE_MAX) if len(body) == PAGE_MAX else "")


def _add(account: Account, rows: Sequence[SuppressionDraft]) -> Iterator[HttpRequest]:
    yield _request("POST", account, "asm/suppressions/global", {"recipient_emails": [row.address for row in rows]})


LISTS: Final = Lists(names=tuple(SOURCES), ask=_ask, read=_read, add=_add, takes=frozenset(SOURCES.values()))
