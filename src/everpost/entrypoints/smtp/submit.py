"""A mail and its envelope on their way into the engine, and what its sender is told.

250 is said after the mail is durable, and a client that did not hear it sends the mail again. So a mail that says by
its Message-ID or Date which one it is, is known again: the same bytes for the same recipients are the same mail, for as
long as idempotency keys are kept. One that says neither may be meant twice.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, NamedTuple

import msgspec

from everpost.dialects import mime_forms
from everpost.dialects.faults import Faults
from everpost.dialects.mime_forms import Stamp, forms_of
from everpost.dialects.mime_orders import Orders, read_orders, without_orders
from everpost.dialects.mime_parts import Part, take_apart
from everpost.dialects.mime_words import Unreadable
from everpost.engine.accept import Acceptance, Acceptor
from everpost.engine.clock import Clock
from everpost.engine.forms import Forms
from everpost.engine.idempotency import Idempotency
from everpost.entrypoints.http.admission import Admission
from everpost.entrypoints.http.figures import Figures
from everpost.entrypoints.smtp.lines import Content
from everpost.model.key import Caller
from everpost.model.limits import SMTP_BODIES_BYTES_MAX
from everpost.model.message import Address, Draft, Origin
from everpost.model.problem import Problem
from everpost.store.port import StoreUnavailable

CROWDED: Final = "452 4.3.1 too much mail at once: try again in a moment"
LATER: Final = frozenset({"idempotency_running", "store_unavailable"})
"""Problems that pass: the same mail may be taken in a moment."""
_LINES_MAX: Final = 10  # of a reply
_LINE_CHARS_MAX: Final = 400  # RFC 5321 4.5.3.1.5 has 512, with the code and CRLF
_log = logging.getLogger(__name__)


class Submitted(NamedTuple):
    content: Content
    recipients: tuple[Address, ...]  # of the envelope, each of them once
    caller: Caller


class Submitter:
    """The way in, shared by all sessions of this process, and by its HTTP API as far as `admission` is."""

    def __init__(self, acceptor: Acceptor, forms: Forms, admission: Admission, figures: Figures, clock: Clock) -> None:
        self._acceptor = acceptor
        self._forms = forms
        self._admission = admission
        self._figures = figures
        self._clock = clock
        self._held_bytes = 0

    @contextmanager
    def room(self, content: Content) -> Iterator[Callable[[], None]]:
        """While a mail is read. What it brings is to be called each time it has grown: if all that are being read have
        become too large together, this one is dropped."""
        held = 0

        def grow() -> None:
            nonlocal held
            if self._held_bytes - held + content.kept_bytes > SMTP_BODIES_BYTES_MAX:
                content.drop(CROWDED)
            self._held_bytes += content.kept_bytes - held
            held = content.kept_bytes

        try:
            yield grow
        finally:
            self._held_bytes -= held

    async def submit(self, mail: Submitted) -> str:
        """The reply to the final dot."""
        origin, started = Origin(request=f"{self._clock.entropy():020x}"), time.perf_counter()
        if mail.content.refusal:
            return mail.content.refusal
        permit = self._admission.enter(mail.content.size)
        if permit is None:
            self._figures.count_turned_away()
            return CROWDED
        try:
            answer = await self._accepted(mail, origin)
        except StoreUnavailable as error:
            answer = Problem(
                code="store_unavailable", status=503, title="The mail could not be stored", detail=str(error)
            )
        except Exception:  # noqa: BLE001  as at the top of an HTTP request: a bug costs one answer, not the connection
            _log.exception("a submission failed", extra={"request": origin.request})
            return f"451 4.3.0 look for the request id {origin.request} in the log"
        finally:
            permit.leave()
        reply = _refusal(answer) if isinstance(answer, Problem) else _taken(answer)
        _log.info(
            "submission",
            extra={
                "request": origin.request,
                "status": int(reply[:3]),
                "latency_ms": round((time.perf_counter() - started) * 1000, 3),
                "message_id": None if isinstance(answer, Problem) else answer.stored.message.id,
                "key": mail.caller.who,
            },
        )
        return reply

    async def _accepted(self, mail: Submitted, origin: Origin) -> Acceptance | Problem:
        stamp = Stamp(self._clock.now(), origin.request)
        read = await self._acceptor.aside.run(mail.content.size, partial(_read, mail, stamp))
        if isinstance(read, Problem):
            return read
        forms, idempotency = read
        draft = await self._forms.best(forms.drafts)
        accepted = await self._acceptor.accept(draft, mail.caller, idempotency=idempotency, origin=origin)
        if isinstance(accepted, Acceptance):
            if not accepted.replayed:
                self._figures.count_accepted()
            return accepted
        return forms.unread or accepted if accepted.code == "no_account_can_carry" else accepted


def _read(mail: Submitted, stamp: Stamp) -> tuple[mime_forms.Forms, Idempotency | None] | Problem:
    """The mail in all its forms, at least one, and how it is known again."""
    faults, data = Faults(), mail.content.whole()
    try:
        whole = take_apart(data)
    except Unreadable as unreadable:
        faults.add("content", str(unreadable))
        return faults.problem("The mail can't be read")
    orders = read_orders(whole, faults)
    if faults:
        return faults.problem()
    forms = forms_of(data, without_orders(whole), orders, mail.recipients, stamp)
    if not forms.drafts and forms.unread is not None:
        return forms.unread
    return forms, _idempotency(mail, data, whole, orders, forms.drafts[-1])


def _idempotency(mail: Submitted, data: bytes, whole: Part, orders: Orders, draft: Draft) -> Idempotency | None:
    """By the client's own key; the same mail with it is the same though its Date, Message-ID and boundaries are not."""
    scope = f"{mail.caller.project}:submission"
    if orders.idempotency_key is not None:
        fingerprint = hashlib.sha256(msgspec.msgpack.encode(draft)).digest()
        return Idempotency(scope=scope, key=orders.idempotency_key, fingerprint=fingerprint)
    if not whole.all("message-id") and not whole.all("date"):
        return None
    digest = hashlib.sha256(data)
    digest.update("\0".join(sorted(each.email for each in mail.recipients)).encode())
    return Idempotency(scope=f"{scope}:content", key=digest.hexdigest(), fingerprint=digest.digest())


def _taken(accepted: Acceptance) -> str:
    before = ", as before" if accepted.replayed else ""
    return f"250 2.0.0 queued as {accepted.stored.message.id}{before}"


def _refusal(problem: Problem) -> str:
    """One line for each fault."""
    code = "451 4.3.0" if problem.code in LATER else "554 5.6.0"
    told = [f"{error.field}: {error.message}" for error in problem.errors[:_LINES_MAX]]
    lines = told or [": ".join(filter(None, (problem.title, problem.detail)))]
    clean = [" ".join(line.encode("ascii", "backslashreplace").decode().split())[:_LINE_CHARS_MAX] for line in lines]
    status, enhanced = code.split()
    return "\r\n".join([*(f"{status}-{enhanced} {line}" for line in clean[:-1]), f"{status} {enhanced} {clean[-1]}"])
