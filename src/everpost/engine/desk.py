"""What people do to mail that is accepted, one mail at a time; who and why is on its trail."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from everpost.attachments.port import AttachmentsUnavailable
from everpost.core import acting
from everpost.core.masking import masked
from everpost.engine.accept import UNKNOWN_ORIGIN, Acceptance, Acceptor
from everpost.engine.attach import Attached, Damaged
from everpost.engine.idempotency import Idempotency
from everpost.engine.ports import Ports
from everpost.model.act import Act, Action
from everpost.model.event import Event, EventType
from everpost.model.key import Caller
from everpost.model.message import Again, Attachment, Draft, Message, Origin, draft_of
from everpost.model.problem import Problem
from everpost.store.port import Stored, Written

_TRIES: Final = 3  # against workers that write at the same moment
_REFUSALS: Final[Mapping[Action, Problem]] = {
    Action.CANCEL: Problem(code="not_cancellable", status=409, title="It is too late to cancel"),
    Action.RESCHEDULE: Problem(code="not_reschedulable", status=409, title="It can't be rescheduled"),
    Action.RESEND: Problem(code="not_resendable", status=409, title="It can't be sent again"),
    Action.RESOLVE: Problem(code="not_resolvable", status=409, title="There is nothing to be resolved"),
}


class Desk:
    def __init__(self, ports: Ports, acceptor: Acceptor) -> None:
        self._ports = ports
        self._acceptor = acceptor
        self._attached = Attached(ports)

    async def message(self, project: str, message_id: str) -> Message | Problem:
        """Whole, but for attachments that lie outside the store."""
        return await self._ports.store.read_message(project, message_id) or not_found(message_id)

    async def whole(self, project: str, message_id: str) -> Message | Problem:
        """With every content."""
        message = await self.message(project, message_id)
        return message if isinstance(message, Problem) else await self._whole(message)

    async def attachment(self, project: str, message_id: str, place: int) -> Attachment | Problem:
        """With its content. `place` counts from 0."""
        message = await self.message(project, message_id)
        if isinstance(message, Problem):
            return message
        if place >= len(message.attachments):
            return _no_attachment(message_id, place)
        whole = await self._whole(replace(message, attachments=(message.attachments[place],)))
        return whole if isinstance(whole, Problem) else whole.attachments[0]

    async def cancel(self, caller: Caller, message_id: str) -> Stored | Problem:
        """Cancels what is still queued of a message; a problem if nothing was."""
        return await self.act(caller, message_id, Act(action=Action.CANCEL))

    async def act(self, caller: Caller, message_id: str, act: Act) -> Stored | Problem:
        """Cancels, reschedules or resolves. What has been decided upon is written only if nothing has changed since:
        somebody who was quicker, person or worker, is never overruled."""
        store, now = self._ports.store, self._ports.clock.now
        for _ in range(_TRIES):
            stored = await store.get_message(caller.project, message_id)
            if stored is None:
                return not_found(message_id)
            changes = acting.changes(act, stored.message, stored.deliveries, caller.who, now())
            if not changes:
                return refusal(act, acting.hindrance(act, stored.message, stored.deliveries, now()))
            written = await store.advance(changes)
            self._ports.news.nudge()
            self._ports.due.nudge()
            if Written.FENCED not in written:
                return await store.get_message(caller.project, message_id) or not_found(message_id)
        return refusal(act, "others are at work on it; look again, then decide")

    async def resend(
        self, caller: Caller, message_id: str, act: Act, idempotency: Idempotency, origin: Origin = UNKNOWN_ORIGIN
    ) -> Acceptance | Problem:
        """A new mail, as its sender has submitted it, for `act.send_at` or now; both trails tell of the other. The same
        key makes it once."""
        stored = await self._ports.store.get_message(caller.project, message_id)
        if stored is None:
            return not_found(message_id)
        hindered = acting.hindrance(act, stored.message, stored.deliveries, self._ports.clock.now())
        draft = refusal(act, hindered) if hindered is not None else await self._draft(caller.project, message_id, act)
        if isinstance(draft, Problem):  # by now: it may have been sent again before
            accepted = await self._acceptor.seen(idempotency, caller) or draft
        else:
            origin = replace(origin, again=Again(of=message_id, by=caller.who, why=act.why))
            accepted = await self._acceptor.accept(draft, caller, idempotency=idempotency, origin=origin)
        if isinstance(accepted, Acceptance):
            await self._ports.store.record([_resent(stored, accepted.stored.message, caller, act)])
            self._ports.news.nudge()
        return accepted

    async def _draft(self, project: str, message_id: str, act: Act) -> Draft | Problem:
        whole = await self.whole(project, message_id)
        if isinstance(whole, Problem):
            return whole
        is_over = whole.expires_at is not None and whole.expires_at <= self._ports.clock.now()
        return replace(
            draft_of(whole),
            send_at=act.send_at,
            expires_at=None if is_over else whole.expires_at,
            attachments=tuple(replace(each, stored_as=None) for each in whole.attachments),
        )

    async def _whole(self, message: Message) -> Message | Problem:
        try:
            return await self._attached.whole(message)
        except (AttachmentsUnavailable, Damaged) as error:
            return Problem(
                code="attachment_unavailable",
                status=503,
                title="An attachment can't be read",
                detail=str(error),
                retry_after_s=1.0,
            )


def not_found(message_id: str) -> Problem:
    detail = f"there is no mail {message_id!r} in this project"
    return Problem(code="not_found", status=404, title="There is no such mail", detail=detail)


def _no_attachment(message_id: str, place: int) -> Problem:
    detail = f"mail {message_id!r} has no attachment {place}"
    return Problem(code="not_found", status=404, title="There is no such attachment", detail=detail)


def refusal(act: Act, reason: str | None) -> Problem:
    return replace(_REFUSALS[act.action], detail=reason or "somebody was quicker; look again")


def _resent(stored: Stored, new: Message, caller: Caller, act: Act) -> Event:
    """Told once, however often the same key is used."""
    old = stored.message
    return Event(
        id=f"{EventType.RESENT}:{new.id}",
        type=EventType.RESENT,
        at=new.created_at,
        project=old.project,
        message_id=old.id,
        data={"as": new.id, "by": caller.who} | ({"reason": masked(act.why)} if act.why else {}),
    )
