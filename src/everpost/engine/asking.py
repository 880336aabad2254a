"""Asks a provider what became of a mail: of its records, or by the same request again."""

import logging
from functools import partial
from typing import Final

from everpost.attachments.port import AttachmentsUnavailable
from everpost.engine.attach import Attached, Damaged
from everpost.engine.fleet import Member
from everpost.engine.ports import Ports
from everpost.model.account import Timeouts
from everpost.model.delivery import Delivery
from everpost.model.limits import LOOKUP_REQUESTS_MAX
from everpost.model.message import Message, size_bytes, without_recipients
from everpost.model.outcome import Kind
from everpost.providers.contract import (
    CLOCK_OFF_S,
    Absent,
    Ask,
    Finding,
    Found,
    HttpRequest,
    HttpResponse,
    Lookup,
    Sought,
    Unclear,
    Unsendable,
    outcome_of,
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


async def replay(ports: Ports, sought: Sought, member: Member, kept_s: float) -> Finding:
    """The attempt's request once more. Not when the provider may have forgotten the first one: it would take a second
    mail."""
    age_s = ports.clock.now() - sought.started_at
    if not -CLOCK_OFF_S <= age_s < kept_s - CLOCK_OFF_S:
        return Unclear("it may not remember the attempt any more")
    message = sought.message
    if isinstance(message, Message) and message.removed:
        return Unclear("what was sent is no longer kept")
    if message.expires_at is not None and ports.clock.now() >= message.expires_at:
        return Unclear("the mail has expired: it is not handed over any more")
    try:
        if isinstance(message, Message):
            message = await Attached(ports).whole(message)
        build = partial(member.provider.build, message, sought.delivery_id, member.account)
        request = await ports.aside.run(size_bytes(message), build)
        if isinstance(request, Unsendable):
            return Unclear(f"the same request can't be made again: {request.reason}")
        timeouts = member.account.timeouts
        answer = await ports.wire.send(request, timeouts, ports.clock.monotonic() + timeouts.total_s)
        outcome = outcome_of(member.provider, answer, member.account)
    except (AttachmentsUnavailable, Damaged) as error:
        return Unclear(f"the same request can't be made again: {error}")
    except Exception as error:
        return _broke(error, sought)
    if outcome.kind is Kind.ACCEPTED:
        return Found(outcome.provider_message_id)
    return Unclear(f"the same request again came out as {outcome.kind}")


def _broke(error: Exception, sought: Sought) -> Unclear:
    """What can't be asked or read tells nothing. It must not go on for ever: the mail's policy waits for an end."""
    _log.exception("a question broke", extra={"delivery": sought.delivery_id})
    return Unclear(f"a fault of Everpost: {type(error).__name__}")


async def _request(ports: Ports, request: HttpRequest, sought: Sought, lookup: Lookup) -> Finding:
    try:
        return await _answered(ports, request, sought, lookup)
    except Exception as error:
        return _broke(error, sought)


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
