"""A mail server that keeps what it is given. It takes any login but those that are turned away."""

import asyncio
import logging
import re
from random import Random
from typing import Any, Final, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from everpost.dialects import mime
from everpost.model.problem import Problem
from everpost.sandbox.api import Conduct, random_id
from everpost.sandbox.faults import FaultKind, FaultPlan, Faults, Target
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.server import BODY_BYTES_MAX, reset

NAME: Final = "smtp"
FAILED: Final = "451 4.3.0 the sandbox has failed"
_LINE_BREAK: Final = re.compile(r"[\r\n]+")
_log = logging.getLogger(__name__)


class MailPort:
    """The open sessions of the mail server, and what they share."""

    def __init__(self, inbox: Inbox, conduct: Conduct, faults: Faults, random: Random) -> None:
        self.inbox = inbox
        self.conduct = conduct
        self.faults = faults
        self.random = random
        self.open: set[MailSession] = set()

    def __call__(self) -> "MailSession":
        return MailSession(self)

    def close(self) -> None:
        for session in list(self.open):
            session.close()

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, login: Any) -> AuthResult:
        password = login.password.decode(errors="replace") if isinstance(login, LoginPassword) else ""
        return AuthResult(success=password not in self.conduct.rejected_keys, handled=False, auth_data=login)

    def take(self, envelope: Envelope, session: Session, *, lose: bool) -> str:
        """The reply to the final dot."""
        parsed = mime.parse(cast("bytes", envelope.content), [str(each) for each in envelope.rcpt_tos])
        if isinstance(parsed, Problem):
            return f"550 5.6.0 {'; '.join(each.message for each in parsed.errors)}"
        login: Any = session.auth_data
        account = login.login.decode(errors="replace") if isinstance(login, LoginPassword) else ""
        message_id = random_id(self.random, 12)
        self.inbox.add(NAME, account, message_id, parsed, lose=lose)
        return f"250 2.0.0 Ok: queued as {message_id}"


class MailSession(SMTP):
    """One connection. A fault is drawn for each mail, at its MAIL command."""

    def __init__(self, port: MailPort) -> None:
        super().__init__(
            self,
            data_size_limit=BODY_BYTES_MAX,
            enable_SMTPUTF8=True,
            hostname="sandbox",
            ident="Everpost sandbox",
            authenticator=port.authenticate,
            auth_require_tls=False,
        )
        self._port = port
        self._plan: FaultPlan | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._port.open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._port.open.discard(self)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - named after the command, as aiosmtpd wants it
        if self._kind is FaultKind.RESET:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            reset(cast("asyncio.Transport", self.transport))
            return
        await super().smtp_DATA(arg)

    @property
    def _kind(self) -> FaultKind | None:
        return self._plan.kind if self._plan else None

    async def handle_exception(self, error: Exception) -> str:
        """The reply to what can't be read. The library would ask its handler, which is the session itself."""
        if isinstance(error, ValueError | LookupError):  # a line without end, an address that the library trips over
            return "500 5.5.2 this can't be read"
        _log.error("a session failed", exc_info=error)
        return FAILED

    # --- aiosmtpd's hooks --------------------------------------------------------------------------------------------

    async def handle_MAIL(  # noqa: N802 - as smtp_DATA
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._plan = self._port.faults.draw(Target.SEND)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - as smtp_DATA
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._plan and self._kind is FaultKind.STATUS and self._plan.stage == "rcpt":
            return _refusal(self._plan)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as smtp_DATA
        plan, kind = self._plan, self._kind
        if plan and kind in (FaultKind.STATUS, FaultKind.HTML):
            return _refusal(plan)
        if kind is FaultKind.HANG:
            await _for_ever()
        reply = self._port.take(envelope, session, lose=kind is FaultKind.LOSE)
        if kind is FaultKind.ACCEPT_HANG:
            await _for_ever()
        if kind is FaultKind.ACCEPT_RESET:
            reset(cast("asyncio.Transport", self.transport))
        if plan:
            await asyncio.sleep(plan.delay_s)
        return "%% nonsense %%" if kind is FaultKind.GARBAGE else reply


async def _for_ever() -> None:
    """Until the connection is closed."""
    await asyncio.get_running_loop().create_future()


def _refusal(plan: FaultPlan) -> str:
    return f"{plan.status or 451} {_LINE_BREAK.sub(' ', plan.text) or '4.3.0 try again later'}"
