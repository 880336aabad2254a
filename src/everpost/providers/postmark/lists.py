"""Postmark's suppressions, of the account's message stream: https://postmarkapp.com/developer/api/suppressions-api

What is added is listed as the customer's own wish, whatever it was.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from everpost.model.account import Account
from everpost.model.suppression import Source, SuppressionDraft
from everpost.providers.contract import HttpRequest
from everpost.providers.listing import Lists, Page, rows_of
from everpost.providers.postmark.adapter import request_of
from everpost.providers.reading import at

SOURCES: Final = {
    ("HardBounce", "Recipient"): Source.BOUNCE,
    ("SpamComplaint", "Recipient"): Source.COMPLAINT,
    ("ManualSuppression", "Recipient"): Source.UNSUBSCRIBE,
}
DEFAULT_STREAM: Final = "outbound"


def _path(account: Account) -> str:
    stream = account.settings.get("message_stream") or DEFAULT_STREAM
    return f"/message-streams/{quote(stream, safe='')}/suppressions"


def _read(_name: str, _place: str, body: Any) -> Page | None:
    items = at(body, "Suppressions")
    if not isinstance(items, list):
        return None
    return Page(rows_of((at(item, "EmailAddress"), _source(item), at(item, "SuppressionReason")) for item in items))


def _source(item: Any) -> Source:
    """Who was added by the account itself may have been so for any reason."""
    return SOURCES.get((str(at(item, "SuppressionReason")), str(at(item, "Origin"))), Source.ACCOUNT)


def _add(account: Account, rows: Sequence[SuppressionDraft]) -> Iterator[HttpRequest]:
    yield request_of("POST", account, _path(account), {"Suppressions": [{"EmailAddress": row.address} for row in rows]})


def _refused(body: Any) -> int:
    items = at(body, "Suppressions")
    return sum(at(item, "Status") == "Failed" for item in items) if isinstance(items, list) else 0


LISTS: Final = Lists(
    names=("stream",),
    ask=lambda account, _name, _place: request_of("GET", account, f"{_path(account)}/dump"),
    read=_read,
    add=_add,
    takes=frozenset({Source.BOUNCE, Source.COMPLAINT, Source.UNSUBSCRIBE}),
    at_once_max=50,
    refused=_refused,
)
