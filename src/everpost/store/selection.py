"""The statement of a list of messages, for stores of rows: each filter walks the narrowest index that it allows, newest
entry first, to the page's end. It is put together from constants; what is looked for is bound to it by name."""

from collections.abc import Mapping
from typing import Any, Final

from everpost.model.delivery import DeliveryState
from everpost.store.order import first_id
from everpost.store.port import Filter

_RARE: Final = (DeliveryState.FAILED, DeliveryState.HELD, DeliveryState.UNCERTAIN, DeliveryState.CANCELLED)
_RARE_TERM: Final = "x.state IN ('failed', 'held', 'uncertain', 'cancelled')"  # word by word as in the index
_WAITING: Final = (DeliveryState.QUEUED, DeliveryState.SENDING)
_TAG_TERM: Final = "EXISTS (SELECT 1 FROM tag t WHERE t.project = :project AND t.tag = :tag AND t.message_id = {id})"


def statement(by: Filter, before: str | None, hints: Mapping[str, str] | None = None) -> str:
    """Ids only; sent, the state of nearly all, has no index: the walk over all messages meets it soon enough. `hints`:
    what a database wants to be told, by the name of an index."""
    source, id_, terms = _source(by, hints or {})
    terms.append("x.project = :project")
    if by.tag is not None and not source.startswith("tag"):
        terms.append(_TAG_TERM.format(id=id_))
    if (by.state or by.account) and not source.startswith("delivery"):
        terms.append(f"EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = {id_}{_one_delivery(by, 'd')})")
    if before is not None:
        terms.append(f"{id_} < :before")
    if by.created_from is not None:
        terms.append(f"{id_} >= :begin")
    if by.created_before is not None:
        terms.append(f"{id_} < :end")
    return f"SELECT DISTINCT {id_} AS id FROM {source} WHERE {' AND '.join(terms)} ORDER BY {id_} DESC LIMIT :limit"


def values(by: Filter, before: str | None, limit: int) -> dict[str, Any]:
    """By the names in the statement."""
    return {
        "project": by.project,
        "state": by.state and by.state.value,
        "recipient": by.recipient and by.recipient.lower(),
        "tag": by.tag,
        "account": by.account,
        "begin": None if by.created_from is None else first_id(by.created_from),
        "end": None if by.created_before is None else first_id(by.created_before),
        "before": before,
        "limit": limit,
    }


def _source(by: Filter, hints: Mapping[str, str]) -> tuple[str, str, list[str]]:
    """What to walk, its column of message ids, and the terms that it answers itself."""
    if by.recipient is not None:
        return "recipient x", "x.message_id", ["x.address = :recipient"]
    if by.tag is not None:
        return "tag x", "x.message_id", ["x.tag = :tag"]
    if by.state in _RARE:
        hint = hints.get("delivery_rare", "")
        return f"delivery x{hint}", "x.message_id", [_RARE_TERM + _one_delivery(by, "x")]
    if by.state in _WAITING:
        hint = hints.get("delivery_due", "")
        return f"delivery x{hint}", "x.message_id", ["x.due_at IS NOT NULL" + _one_delivery(by, "x")]
    return "message x", "x.id", []


def _one_delivery(by: Filter, row: str) -> str:
    """State and account are conditions on the same delivery."""
    state = f" AND {row}.state = :state" if by.state is not None else ""
    return state + (f" AND {row}.account = :account" if by.account is not None else "")
