"""SMTP submission (RFC 6409), one transaction a connection.

The one moment that nobody can see into lies between the first byte of the content and the reply to the final dot:
whatever goes wrong there is `maybe_sent`. If one recipient is refused the transaction is given up before any content,
so that nobody gets it and the delivery stays whole.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from typing import Final

from everpost.engine.wire.dial import dial
from everpost.engine.wire.guard import Guard
from everpost.engine.wire.session import Session
from everpost.engine.wire.submission import Refused, Submission, Visit
from everpost.model.account import Timeouts
from everpost.providers.contract import Answer, Fault, Phase, Security, SmtpProbe, SmtpReply, SmtpRequest

_NOT_IN_ADDRESS: Final = re.compile(r"[\x00-\x20<>\x7f]")  # it would end the address or its command


class SmtpTransport:
    def __init__(self, monotonic: Callable[[], float], tls: ssl.SSLContext, guard: Guard | None = None) -> None:
        self._monotonic = monotonic
        self._tls = tls
        self._guard = guard
        self._leaving: set[Session] = set()

    async def send(self, request: SmtpRequest | SmtpProbe, timeouts: Timeouts, not_after: float) -> Answer:
        """Raises ValueError for a request that no SMTP server may be given: a fault of ours."""
        if isinstance(request, SmtpRequest):
            _check(request)
        ends_at = asyncio.get_running_loop().time() + timeouts.connect_s
        tls = self._tls if request.security is Security.TLS else None
        session = await dial(Session, request.host, request.port, tls, timeouts.connect_s, self._guard)
        if isinstance(session, Fault):
            return session
        answer: Answer | None = None
        try:
            if isinstance(request, SmtpRequest):
                answer = await self._carried(Submission(session, request, timeouts), ends_at, not_after)
            else:
                visit = Visit(session, request, timeouts)
                answer = await visit.open(self._tls, ends_at) or await visit.idle()
        except Refused as refused:
            answer = refused.reply
        finally:
            self._end(session, politely=isinstance(answer, SmtpReply))
        return answer

    def close(self) -> None:
        for session in tuple(self._leaving):
            session.abort()

    async def _carried(self, submission: Submission, ends_at: float, not_after: float) -> Answer:
        fault = await submission.open(self._tls, ends_at) or await submission.ask()
        if fault is not None:
            return fault
        if self._monotonic() > not_after:
            text = "the time for this attempt was over before its first byte"
            return Fault(phase=Phase.DEADLINE, maybe_sent=False, text=text)
        return await submission.hand_over()

    def _end(self, session: Session, *, politely: bool) -> None:
        """After anything but a reply what has not left yet must not leave any more."""
        if politely and session.is_usable:
            self._leaving.add(session)
            session.leave(lambda: self._leaving.discard(session))
        else:
            session.abort()


def _check(request: SmtpRequest) -> None:
    if any(_NOT_IN_ADDRESS.search(address) for address in (request.mail_from, *request.rcpt_to)):
        raise ValueError("an address that can't stand in a command")
