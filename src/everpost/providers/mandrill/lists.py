"""Mandrill's denylist: https://mailchimp.com/developer/transactional/api/rejects/"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from everpost.model.account import Account
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers import http
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.mandrill.adapter import REGIONS
from everpost.providers.reading import at

SOURCES: Final = {"hard-bounce": Source.BOUNCE, "spam": Source.COMPLAINT, "unsub": Source.UNSUBSCRIBE}
PASSING: Final = "soft-bounce"  # they end by themselves


def _request(account: Account, method: str, body: dict[str, Any]) -> HttpRequest:
    key = http.lookup_key(account)
    url = http.url_of(account, REGIONS, f"/api/1.4/rejects/{method}")
    return http.json_request("POST", url, key, {"key": str(key)} | body, "")


def _read(_name: str, _place: str, body: Any) -> Page | None:
    if not isinstance(body, list):
        return None
    lasting = [item for item in body if at(item, "reason") != PASSING]
    return Page(rows_of((at(item, "email"), _source(item), at(item, "detail")) for item in lasting))


def _source(item: Any) -> Source:
    return SOURCES.get(str(at(item, "reason")), Source.ACCOUNT)


def _add(account: Account, rows: Sequence[SuppressionDraft]) -> Iterator[HttpRequest]:
    for row in rows:
        yield _request(account, "add", {"email": row.address, "comment": row.reason})


LISTS: Final = Lists(
    names=("rejects",),
    ask=lambda account, _name, _place: _request(account, "list", {"include_expired": False}),
    read=_read,
    add=_add,
    takes=frozenset(SOURCES.values()),
)
