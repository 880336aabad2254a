"""Amazon SES's suppression list, of the account and its region:
https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html

It knows no unsubscriptions.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from everpost.model.account import Account
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.reading import at
from everpost.providers.ses.adapter import request_of

REASONS: Final = {"BOUNCE": Source.BOUNCE, "COMPLAINT": Source.COMPLAINT}
PATH: Final = "/v2/email/suppression/addresses"
PAGE_MAX: Final = 1000


def _ask(account: Account, _: str, place: str) -> HttpRequest:
    query = ({"NextToken": place} if place else {}) | {"PageSize": PAGE_MAX}
    return request_of("GET", account, f"{PATH}?{urlencode(query, quote_via=quote, safe='')}")


def _read(_name: str, _place: str, body: Any) -> Page | None:
    items = at(body, "SuppressedDestinationSummaries")
    if not isinstance(items, list):
        return None
    found = ((at(item, "EmailAddress"), REASONS.get(str(at(item, "Reason")), Source.ACCOUNT), "") for item in items)
    return Page(rows_of(found), str(at(body, "NextToken") or ""))


def _add(account: Account, rows: Sequence[SuppressionDraft]) -> Iterator[HttpRequest]:
    """One by one: lists of many go by files in S3 alone."""
    reasons = {source: reason for reason, source in REASONS.items()}
    for row in rows:
        yield request_of("PUT", account, PATH, {"EmailAddress": row.address, "Reason": reasons[row.source]})


LISTS: Final = Lists(names=("account",), ask=_ask, read=_read, add=_add, takes=frozenset(REASONS.values()))
