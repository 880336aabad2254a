"""The stages of an SMTP session and of the transaction in it: commands, and the replies that let it go on."""

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from everpost.engine.wire.session import Reply, Session
from everpost.engine.wire.stream import Broken, words
from everpost.model.account import Timeouts
from everpost.providers.contract import Answer, Fault, Phase, Security, SmtpReply, SmtpRequest, SmtpSession, SmtpStage

READY: Final = 220
LOGGED_IN: Final = 235
DONE: Final = 250
WILL_FORWARD: Final = 251
GO_ON: Final = 334
START_INPUT: Final = 354
NO_LOGIN: Final = 504  # RFC 4954 4: the mechanism is not known
NOT_ENCRYPTED: Final = 538  # RFC 4954 6: encryption required for the requested mechanism
NO_UTF8: Final = 553  # RFC 6531 3.5: the address needs an extension that the server does not have
NO_8BIT: Final = 554  # RFC 6152 3: the content does

_NEWLINE: Final = re.compile(rb"\r\n|\r|\n")


class Refused(Exception):
    """The reply that decides the transaction; it may be our own, in the server's words."""

    def __init__(self, stage: SmtpStage, code: int, text: str, recipient: str | None = None) -> None:
        super().__init__(code)
        self.reply = SmtpReply(stage=stage, code=code, text=text, recipient=recipient)


class Visit:
    """A session up to where a mail could be handed over. The steps raise Refused."""

    def __init__(self, session: Session, asked: SmtpSession, timeouts: Timeouts) -> None:
        self._session = session
        self._asked = asked
        self._timeouts = timeouts
        self._offered: Mapping[str, str] = {}  # keywords in capitals, and their parameters

    async def open(self, tls: ssl.SSLContext, ends_at: float) -> Fault | None:
        """Greeting, encryption and login; None: the server is ready for a mail."""
        phase = Phase.CONNECT
        try:
            async with asyncio.timeout_at(ends_at):
                _expect(SmtpStage.GREETING, await self._session.reply(), READY)
                await self._hello(SmtpStage.GREETING)
                if self._asked.security is Security.STARTTLS:
                    phase = Phase.TLS
                    await self._encrypt(tls)
                    await self._hello(SmtpStage.TLS)
                    phase = Phase.CONNECT
                if self._asked.username is not None:
                    await self._log_in(self._asked.username, self._asked.password or "")
        except TimeoutError:
            return _not_sent(phase, f"no session within {self._timeouts.connect_s:g} s")
        except (Broken, OSError) as error:
            return _not_sent(phase, words(error))
        return None

    async def idle(self) -> Answer:
        """NOOP: the server is there, and goes on listening to us."""
        try:
            async with asyncio.timeout(self._timeouts.answer_s):
                reply = await self._step(SmtpStage.NOOP, "NOOP", DONE)
        except TimeoutError:
            return _not_sent(Phase.ANSWER, f"no reply to NOOP within {self._timeouts.answer_s:g} s")
        except Broken as broken:
            return _not_sent(Phase.ANSWER, words(broken))
        return SmtpReply(stage=SmtpStage.NOOP, code=reply.code, text=reply.text)

    async def _hello(self, stage: SmtpStage) -> None:
        reply = await self._step(stage, f"EHLO {self._session.own_name}", DONE)
        lines = (line.partition(" ") for line in reply.text.split("\n")[1:])
        self._offered = {keyword.upper(): parameters for keyword, _, parameters in lines}

    async def _encrypt(self, tls: ssl.SSLContext) -> None:
        if "STARTTLS" not in self._offered:
            raise Broken("the server does not offer STARTTLS")
        await self._step(SmtpStage.TLS, "STARTTLS", READY)
        await self._session.secure(tls, self._asked.host)

    async def _log_in(self, username: str, password: str) -> None:
        if not self._session.is_private:
            raise Refused(SmtpStage.AUTH, NOT_ENCRYPTED, "no password leaves this machine without TLS")
        offered = self._offered.get("AUTH", "").upper().split()
        if "PLAIN" in offered:
            await self._step(SmtpStage.AUTH, "AUTH PLAIN " + _coded(f"\0{username}\0{password}"), LOGGED_IN)
        elif "LOGIN" in offered:
            await self._step(SmtpStage.AUTH, "AUTH LOGIN", GO_ON)
            await self._step(SmtpStage.AUTH, _coded(username), GO_ON)
            await self._step(SmtpStage.AUTH, _coded(password), LOGGED_IN)
        else:
            raise Refused(SmtpStage.AUTH, NO_LOGIN, "the server offers neither AUTH PLAIN nor AUTH LOGIN")

    async def _step(self, stage: SmtpStage, command: str, wanted: int) -> Reply:
        return _expect(stage, await self._session.command(command), wanted)


class Submission(Visit):
    """One mail on its way through one session."""

    def __init__(self, session: Session, request: SmtpRequest, timeouts: Timeouts) -> None:
        super().__init__(session, request, timeouts)
        self._request = request
        self._content = _in_lines(request.data)
        self._written_by = 0.0  # by the loop's clock

    async def ask(self) -> Fault | None:
        """Sender, recipients and DATA; None: the server waits for the content."""
        self._written_by = asyncio.get_running_loop().time() + self._timeouts.write_s
        try:
            async with asyncio.timeout_at(self._written_by):
                await self._envelope()
        except TimeoutError:
            return _not_sent(Phase.WRITE, f"the content was not asked for within {self._timeouts.write_s:g} s")
        except Broken as broken:
            return _not_sent(Phase.WRITE, f"before the content: {broken}")
        return None if self._session.is_usable else _not_sent(Phase.WRITE, "lost before the content")

    async def hand_over(self) -> Answer:
        """The content and the reply to its final dot. From the first byte on nobody knows, until that reply: so a slow
        writer has what is left of both time-outs, since giving up would leave a question that nobody can answer."""
        stuffed = (b"\r\n" + self._content).replace(b"\r\n.", b"\r\n..")[2:]  # RFC 5321 4.5.2
        self._session.expect()
        self._session.try_for(self._timeouts.write_s + self._timeouts.answer_s)
        try:
            async with asyncio.timeout_at(self._written_by + self._timeouts.answer_s):
                is_whole = await self._session.write_all(stuffed + b".\r\n")
                async with asyncio.timeout(self._timeouts.answer_s):
                    reply = await self._session.reply()
        except TimeoutError:
            return _maybe_sent(f"no reply to the content within {self._timeouts.answer_s:g} s")
        except Broken as broken:
            return _maybe_sent(f"after the content: {broken}")
        if not is_whole:
            self._session.abort()  # the server would read on
        if not is_whole and reply.code < 400:
            return _maybe_sent(f"{reply.code} before the end of the content, which can't be meant for it")
        return SmtpReply(stage=SmtpStage.DOT, code=reply.code, text=reply.text)

    # --- the steps ----------------------------------------------------------------------------------------------------

    async def _envelope(self) -> None:
        request = self._request
        await self._step(SmtpStage.MAIL, " ".join((f"MAIL FROM:<{request.mail_from}>", *self._options())), DONE)
        for recipient in request.rcpt_to:
            reply = await self._session.command(f"RCPT TO:<{recipient}>")
            _expect(SmtpStage.RCPT, reply, DONE, WILL_FORWARD, recipient=recipient)
        await self._step(SmtpStage.DATA, "DATA", START_INPUT)

    def _options(self) -> list[str]:
        options = [f"SIZE={len(self._content)}"] if "SIZE" in self._offered else []
        if not self._content.isascii():
            if "8BITMIME" not in self._offered:
                raise Refused(SmtpStage.MAIL, NO_8BIT, "the server does not have 8BITMIME")
            options.append("BODY=8BITMIME")
        if not all(address.isascii() for address in (self._request.mail_from, *self._request.rcpt_to)):
            if "SMTPUTF8" not in self._offered:
                raise Refused(SmtpStage.MAIL, NO_UTF8, "the server does not have SMTPUTF8")
            options.append("SMTPUTF8")
        return options


def _expect(stage: SmtpStage, reply: Reply, *wanted: int, recipient: str | None = None) -> Reply:
    if reply.code not in wanted:
        raise Refused(stage, reply.code, reply.text, recipient)
    return reply


def _in_lines(data: bytes) -> bytes:
    """Every line ended by CRLF, whatever ended it before: a bare CR or LF is a line's end to some servers and not to
    others, and what stands between such lines could be read as commands."""
    if not data.count(b"\r\n") == data.count(b"\r") == data.count(b"\n"):
        data = _NEWLINE.sub(b"\r\n", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _not_sent(phase: Phase, text: str) -> Fault:
    return Fault(phase=phase, maybe_sent=False, text=text)


def _maybe_sent(text: str) -> Fault:
    return Fault(phase=Phase.ANSWER, maybe_sent=True, text=text)
