"""What people do to mail, and how they look for it, as the native API takes it."""

from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from everpost.dialects.faults import Faults, decode
from everpost.dialects.fields import check_filled
from everpost.dialects.native.schema import (
    BulkRequest,
    CancelRequest,
    FilterObject,
    RescheduleRequest,
    ResendRequest,
    ResolveRequest,
    SearchRequest,
)
from everpost.dialects.times import read_instant
from everpost.model.act import Act, Action
from everpost.model.delivery import DeliveryState
from everpost.model.limits import PAGE_MAX, REASON_CHARS_MAX
from everpost.model.problem import Problem

_T = TypeVar("_T")
_EMPTY: Final = b"{}"
_CANCEL: Final = msgspec.json.Decoder(CancelRequest)
_RESCHEDULE: Final = msgspec.json.Decoder(RescheduleRequest)
_RESEND: Final = msgspec.json.Decoder(ResendRequest)
_RESOLVE: Final = msgspec.json.Decoder(ResolveRequest)
_SEARCH: Final = msgspec.json.Decoder(SearchRequest)
_BULK: Final = msgspec.json.Decoder(BulkRequest)


class Wanted(Struct, frozen=True, kw_only=True):
    """Which mails, as a caller says it."""

    state: DeliveryState | None
    recipient: str | None
    tag: str | None
    account: str | None
    created_from: float | None
    created_before: float | None


class Search(Struct, frozen=True):
    wanted: Wanted
    limit: int
    cursor: str | None  # as it was given


class Bulk(Struct, frozen=True):
    act: Act
    wanted: Wanted
    is_dry: bool
    cursor: str | None  # as it was given


def parse_cancel(body: bytes) -> Act | Problem:
    """An empty body gives no reason."""
    faults = Faults()
    request = decode(body or _EMPTY, _CANCEL, faults)
    if isinstance(request, Problem):
        return request
    if request.reason:
        _why(request.reason, faults)
    return _sound(Act(action=Action.CANCEL, why=request.reason), faults)


def parse_reschedule(body: bytes) -> Act | Problem:
    faults = Faults()
    request = decode(body, _RESCHEDULE, faults)
    if isinstance(request, Problem):
        return request
    if request.send_at is None:
        faults.add("send_at", "is missing")
    send_at = read_instant(request.send_at, "send_at", faults)
    return _sound(Act(action=Action.RESCHEDULE, why=_why(request.reason, faults), send_at=send_at), faults)


def parse_resend(body: bytes) -> Act | Problem:
    faults = Faults()
    request = decode(body, _RESEND, faults)
    if isinstance(request, Problem):
        return request
    send_at = read_instant(request.send_at, "send_at", faults)
    return _sound(Act(action=Action.RESEND, why=_why(request.reason, faults), send_at=send_at), faults)


def parse_resolve(body: bytes) -> Act | Problem:
    faults = Faults()
    request = decode(body, _RESOLVE, faults)
    if isinstance(request, Problem):
        return request
    if request.decision is None:
        faults.add("decision", "is missing: sent, failed or resend")
    if request.attempts is not None and request.attempts < 0:
        faults.add("attempts", "must not be negative")
    why = _why(request.reason, faults)
    act = Act(action=Action.RESOLVE, why=why, decision=request.decision, attempts=request.attempts)
    return _sound(act, faults)


def parse_search(body: bytes) -> Search | Problem:
    """An empty body looks for everything."""
    faults = Faults()
    request = decode(body or _EMPTY, _SEARCH, faults)
    if isinstance(request, Problem):
        return request
    if not 1 <= request.limit <= PAGE_MAX:
        faults.add("limit", f"must be a number from 1 to {PAGE_MAX}")
    return _sound(Search(_wanted(request.filter, faults), request.limit, request.cursor), faults)


def parse_bulk(body: bytes) -> Bulk | Problem:
    faults = Faults()
    request = decode(body, _BULK, faults)
    if isinstance(request, Problem):
        return request
    action = request.action
    if action is None:
        faults.add("action", f"is missing: {', '.join(Action)}")
    given = request.filter or FilterObject()
    if given == FilterObject():
        faults.add("filter", "must have at least one condition: an empty one would mean every mail")
    if action is Action.RESCHEDULE and request.send_at is None:
        faults.add("send_at", "is missing")
    if request.send_at is not None and action not in (Action.RESCHEDULE, Action.RESEND):
        faults.add("send_at", f"means nothing for {action}")
    if (request.decision is None) is (action is Action.RESOLVE):
        faults.add("decision", "goes with the action resolve, and with no other")
    act = Act(
        action=action or Action.CANCEL,
        why=_why(request.reason, faults),
        send_at=read_instant(request.send_at, "send_at", faults),
        decision=request.decision,
    )
    return _sound(Bulk(act, _wanted(given, faults), request.dry_run, request.cursor), faults)


def _sound(value: _T, faults: Faults) -> _T | Problem:
    return faults.problem() if faults else value


def _why(reason: str | None, faults: Faults) -> str:
    if reason is None:
        faults.add("reason", "is missing: say why, for those who read the trail")
        return ""
    check_filled(reason, REASON_CHARS_MAX, "reason", faults)
    return reason


def _wanted(given: FilterObject, faults: Faults) -> Wanted:
    return Wanted(
        state=given.state,
        recipient=given.recipient,
        tag=given.tag,
        account=given.account,
        created_from=read_instant(given.created_from, "filter.created_from", faults),
        created_before=read_instant(given.created_before, "filter.created_before", faults),
    )
