"""Asks a provider's records for a mail."""

import logging
from typing import Final

from everpost.engine.fleet import Member
from everpost.engine.ports import Ports
from everpost.model.account import Timeouts
from everpost.model.delivery import Delivery
from everpost.model.limits import LOOKUP_REQUESTS_MAX
from everpost.model.message import Message, without_recipients
from everpost.providers.contract import (
    Absent,
    Ask,
    Finding,
    Found,
    HttpRequest,
    HttpResponse,
    Lookup,
    Sought,
    Unclear,
)

LOOKUP_TIMEOUTS: Final = Timeouts(connect_s=5.0, write_s=5.0, answer_s=10.0)
_log = logging.getLogger(__name__)


async def look(ports: Ports, sought: Sought, lookup: Lookup) -> Finding:
    """One question, which may take several requests: found if one finds it, absent only if all say so."""
    open_: list[HttpRequest] = [lookup.start(sought)]
    asked = 0
    while open_:
        if asked >= LOOKUP_REQUESTS_MAX:
            return Unclear(f"the answer took more than {LOOKUP_REQUESTS_MAX} requests")
        asked += 1
        finding = await _request(ports, open_.pop(0), sought, lookup)
        match finding:
            case Found() | Unclear():
                return finding
            case Ask():
                open_ += finding.requests
            case Absent():
                continue
    return Absent()


async def _request(ports: Ports, request: HttpRequest, sought: Sought, lookup: Lookup) -> Finding:
    """What can't be asked or read tells nothing. It must not go on for ever: the mail's policy waits for an end."""
    try:
        return await _answered(ports, request, sought, lookup)
    except Exception as error:
        _log.exception("a question broke", extra={"delivery": sought.delivery_id})
        return Unclear(f"a fault of Everpost: {type(error).__name__}")


async def _answered(ports: Ports, request: HttpRequest, sought: Sought, lookup: Lookup) -> Finding:
    not_after = ports.clock.monotonic() + LOOKUP_TIMEOUTS.total_s
    answer = await ports.wire.send(request, LOOKUP_TIMEOUTS, not_after)
    if not isinstance(answer, HttpResponse):
        return Unclear(f"the question got no answer: {answer.text}")
    return lookup.read(sought, answer)


def sought_for(delivery: Delivery, message: Message, member: Member) -> Sought:
    """The delivery's current attempt, as its provider is asked about it."""
    return Sought(
        delivery_id=delivery.id,
        message=without_recipients(message, delivery.left_out),
        account=member.account,
        started_at=delivery.started_at or delivery.created_at,
    )
