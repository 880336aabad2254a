"""SMTP submission (RFC 6409), one transaction a connection, every stage a step of its own.

The one moment that nobody can see into lies between the first byte of the content and the reply to the final dot:
whatever goes wrong there is `maybe_sent`. If one recipient is refused the transaction is given up before any content,
so that nobody gets it and the delivery stays whole.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import aiosmtplib
from aiosmtplib import SMTPResponseException, SMTPServerDisconnected, SMTPTimeoutError

from everpost.model.account import Timeouts
from everpost.providers.contract import Answer, Fault, Phase, Security, SmtpReply, SmtpRequest, SmtpStage

START_INPUT: Final = 354
NOT_ENCRYPTED: Final = 538  # RFC 4954 6: encryption required for the requested mechanism
NO_UTF8: Final = 553  # RFC 6531 3.5: the address needs an extension that the server does not have
QUIT_S: Final = 1.0

_LINE_START_DOT: Final = re.compile(rb"(?m)^\.")


class _Refused(Exception):
    def __init__(self, reply: SmtpReply) -> None:
        super().__init__(reply.code)
        self.reply = reply


class SmtpTransport:
    def __init__(self, monotonic: Callable[[], float], tls: ssl.SSLContext) -> None:
        self._monotonic = monotonic
        self._tls = tls

    async def send(self, request: SmtpRequest, timeouts: Timeouts, not_after: float) -> Answer:
        client = aiosmtplib.SMTP(
            hostname=request.host,
            port=request.port,
            use_tls=request.security is Security.TLS,
            start_tls=False,
            tls_context=self._tls,
            timeout=timeouts.answer_s,
        )
        try:
            return await self._transaction(client, request, timeouts, not_after)
        except _Refused as refused:
            return refused.reply
        finally:
            client.close()

    async def _transaction(
        self, client: aiosmtplib.SMTP, request: SmtpRequest, timeouts: Timeouts, not_after: float
    ) -> Answer:
        fault = await self._open(client, request, timeouts)
        if fault is not None:
            return fault
        try:
            async with asyncio.timeout(timeouts.write_s):
                await _envelope(client, request)
                if self._monotonic() > not_after:
                    text = "the time for this attempt was over before its first byte"
                    return Fault(phase=Phase.DEADLINE, maybe_sent=False, text=text)
                await _command(client, SmtpStage.DATA, b"DATA", START_INPUT)
        except (SMTPServerDisconnected, SMTPTimeoutError, TimeoutError, OSError) as error:
            return Fault(phase=Phase.WRITE, maybe_sent=False, text=f"before the content: {_words(error)}")
        return await _content(client, request, timeouts)

    async def _open(self, client: aiosmtplib.SMTP, request: SmtpRequest, timeouts: Timeouts) -> Fault | None:
        phase = Phase.CONNECT
        try:
            async with asyncio.timeout(timeouts.connect_s):
                await _staged(SmtpStage.GREETING, client.connect())
                await _staged(SmtpStage.GREETING, client.ehlo())
                if request.security is Security.STARTTLS:
                    phase = Phase.TLS
                    await _staged(SmtpStage.TLS, client.starttls(tls_context=self._tls))
                    await _staged(SmtpStage.TLS, client.ehlo())
                if request.username is not None:
                    await _login(client, request)
        except aiosmtplib.SMTPNotSupported as error:
            return Fault(phase=Phase.TLS, maybe_sent=False, text=str(error))
        except ssl.SSLError as error:
            return Fault(phase=Phase.TLS, maybe_sent=False, text=str(error))
        except TimeoutError:
            return Fault(phase=phase, maybe_sent=False, text=f"no session within {timeouts.connect_s:g} s")
        except (aiosmtplib.SMTPException, OSError) as error:
            return Fault(phase=phase, maybe_sent=False, text=_words(error))
        return None


async def _login(client: aiosmtplib.SMTP, request: SmtpRequest) -> None:
    if request.security is not Security.NONE and client.get_transport_info("sslcontext") is None:
        raise _Refused(SmtpReply(stage=SmtpStage.AUTH, code=NOT_ENCRYPTED, text="no password without TLS"))
    if not client.supports_extension("auth"):
        raise _Refused(SmtpReply(stage=SmtpStage.AUTH, code=NOT_ENCRYPTED, text="the server offers no AUTH"))
    await _staged(SmtpStage.AUTH, client.login(request.username or "", request.password or ""))


async def _envelope(client: aiosmtplib.SMTP, request: SmtpRequest) -> None:
    options = []
    if client.supports_extension("size"):
        options.append(f"SIZE={len(request.data)}")
    if not request.data.isascii() and client.supports_extension("8bitmime"):
        options.append("BODY=8BITMIME")
    if not all(address.isascii() for address in (request.mail_from, *request.rcpt_to)):
        if not client.supports_extension("smtputf8"):
            raise _Refused(SmtpReply(stage=SmtpStage.MAIL, code=NO_UTF8, text="the server does not have SMTPUTF8"))
        options.append("SMTPUTF8")
    await _staged(SmtpStage.MAIL, client.mail(request.mail_from, options=options, encoding="utf-8"))
    for recipient in request.rcpt_to:
        await _staged(SmtpStage.RCPT, client.rcpt(recipient, encoding="utf-8"), recipient)


async def _content(client: aiosmtplib.SMTP, request: SmtpRequest, timeouts: Timeouts) -> Answer:
    data = request.data if request.data.endswith(b"\r\n") else request.data + b"\r\n"
    stuffed = _LINE_START_DOT.sub(b"..", data)  # RFC 5321 4.5.2
    try:
        reply = await client.execute_command(stuffed + b".", timeout=timeouts.answer_s)
    except (SMTPServerDisconnected, SMTPTimeoutError, OSError) as error:
        return Fault(phase=Phase.ANSWER, maybe_sent=True, text=f"after the content: {_words(error)}")
    with suppress(Exception):
        await client.quit(timeout=QUIT_S)
    return SmtpReply(stage=SmtpStage.DOT, code=reply.code, text=reply.message)


async def _command(client: aiosmtplib.SMTP, stage: SmtpStage, command: bytes, wanted: int) -> None:
    reply = await client.execute_command(command)
    if reply.code != wanted:
        raise _Refused(SmtpReply(stage=stage, code=reply.code, text=reply.message))


async def _staged(stage: SmtpStage, step: Awaitable[object], recipient: str | None = None) -> None:
    """Runs a step; a reply that refuses it names its stage."""
    try:
        await step
    except SMTPResponseException as error:
        raise _Refused(SmtpReply(stage=stage, code=error.code, text=error.message, recipient=recipient)) from None


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
