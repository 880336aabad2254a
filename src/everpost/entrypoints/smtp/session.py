"""One client's commands, answered in turn (RFC 5321, RFC 6409). Nothing is taken from whoever has not logged in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Final

from msgspec import Struct

from everpost.engine.keys import Keyring
from everpost.entrypoints.smtp import commands
from everpost.entrypoints.smtp.commands import Farewell, Refused, read_command
from everpost.entrypoints.smtp.lines import Broken, Content, take_line
from everpost.entrypoints.smtp.login import MECHANISMS, Login
from everpost.entrypoints.smtp.submit import Submitted, Submitter
from everpost.entrypoints.smtp.wire import Ending, Gone, Wire
from everpost.model import limits
from everpost.model.key import Caller
from everpost.model.message import Address

GOING_DOWN: Final = "421 4.3.2 the server stops: try again in a moment"
TOO_LONG: Final = "421 4.4.2 nothing came for too long"
_HTTP: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "HEAD"})
_LAST_IN_ITS_GROUP: Final = frozenset({"EHLO", "HELO", "DATA", "STARTTLS", "AUTH"})
"""What a client has to wait for the answer to (RFC 2920 3.1): what comes before it may be somebody else's."""
_BRINGS_NEARER: Final = frozenset({"MAIL", "RCPT", "DATA"})


class Patience(Struct, frozen=True, kw_only=True):
    """How long a client is waited for, in seconds."""

    login_s: float = limits.SMTP_LOGIN_S_MAX
    command_s: float = limits.SMTP_COMMAND_S_MAX
    content_s: float = limits.SMTP_CONTENT_S_MAX


class House(Struct, frozen=True, kw_only=True):
    """What all sessions share."""

    name: str  # what the server calls itself
    submitter: Submitter
    keyring: Keyring | None  # None: whoever gets here may send
    local: Caller  # who that is
    patience: Patience = Patience()


class _Envelope:
    def __init__(self, caller: Caller, *, is_utf8: bool) -> None:
        self.caller = caller
        self.is_utf8 = is_utf8
        self.recipients: dict[str, Address] = {}  # by their addresses in lower case


class Session:
    """`is_secure`: nobody listens on the way. `start_tls` makes it so, where that can be done."""

    def __init__(
        self, house: House, wire: Wire, *, is_secure: bool, start_tls: Callable[[], Awaitable[None]] | None
    ) -> None:
        self._house = house
        self._wire = wire
        self._is_secure = is_secure
        self._start_tls = start_tls
        self._login = Login(house.keyring, house.local)
        self._login_by = asyncio.get_running_loop().time() + house.patience.login_s
        self._said_hello = False
        self._envelope: _Envelope | None = None
        self._mails = self._idle_commands = self._faults = 0
        self._is_ending = self._is_taking = False

    @property
    def is_known(self) -> bool:
        """Whether somebody has logged in."""
        return self._login.caller is not None

    def end(self) -> None:
        """A mail that is on its way is still taken, and nothing after it."""
        self._is_ending = True
        if not self._is_taking:
            self._wire.interrupt()

    async def run(self) -> None:
        """Until one of both says good-bye."""
        try:
            self._say(f"220 {self._house.name} ESMTP Everpost")
            while True:
                await self._answer(await self._line())
        except Farewell as farewell:
            self._say(str(farewell))
        except Broken as broken:
            self._say(f"554 5.5.2 {broken}")
        except Ending:
            self._say(GOING_DOWN)
        except TimeoutError:
            self._say(TOO_LONG)
        except Gone:
            self._wire.abort()
            return
        await self._wire.close()

    # --- reading and answering ---------------------------------------------------------------------------------------

    async def _line(self) -> str:
        """The next command. Whoever has not logged in has less time, for all of them."""
        until = asyncio.get_running_loop().time() + self._house.patience.command_s
        async with asyncio.timeout_at(until if self.is_known else min(until, self._login_by)):
            while True:
                if self._is_ending:
                    raise Ending
                line = take_line(self._wire.buffer)
                if line is not None:
                    return line
                await self._wire.flush()
                await self._wire.more()

    async def _answer(self, line: str) -> None:
        command = read_command(line)
        self._guard(command.verb)
        try:
            await self._HANDLERS.get(command.verb, Session._unknown)(self, command.rest)
        except Refused as refused:
            self._say(str(refused))
            self._faults += 1
            if self._faults >= limits.SMTP_FAULTS_MAX:
                raise Farewell("421 4.7.0 too many commands were refused") from None

    def _guard(self, verb: str) -> None:
        if verb in _HTTP:  # a web page has a browser post to this port
            raise Farewell("421 4.7.0 this is no web server")
        if self._wire.buffer and verb in _LAST_IN_ITS_GROUP:
            raise Broken(f"more was sent before the answer to {verb}")
        self._idle_commands = 0 if verb in _BRINGS_NEARER else self._idle_commands + 1
        if self._idle_commands > limits.SMTP_COMMANDS_MAX:
            raise Farewell("421 4.7.0 too many commands, and no mail")

    def _say(self, reply: str) -> None:
        self._wire.write(reply.encode("ascii", "backslashreplace") + b"\r\n")

    async def _asked(self, question: str) -> str:
        self._say(question)
        return await self._line()

    # --- who is there ------------------------------------------------------------------------------------------------

    async def _ehlo(self, rest: str) -> None:
        self._greeted(rest)
        offered = ["PIPELINING", f"SIZE {limits.SMTP_MESSAGE_BYTES_MAX}", "8BITMIME", "SMTPUTF8", "DSN"]
        offered += ["STARTTLS"] if self._start_tls else []
        offered += [f"AUTH {MECHANISMS}"] if self._is_secure else []
        lines = (f"250-{each}" for each in (self._house.name, *offered))
        self._say("\r\n".join([*lines, "250 ENHANCEDSTATUSCODES"]))

    async def _helo(self, rest: str) -> None:
        self._greeted(rest)
        self._say(f"250 {self._house.name}")

    def _greeted(self, rest: str) -> None:
        commands.check_hello(rest)
        self._said_hello, self._envelope = True, None

    async def _starttls(self, rest: str) -> None:
        _need_nothing(rest)
        if self._start_tls is None:
            raise Refused("503 5.5.1 there is no TLS to be started here")
        self._say("220 2.0.0 go ahead")
        await self._start_tls()
        self._start_tls, self._is_secure = None, True
        self._said_hello, self._envelope = False, None  # what was said in the open counts for nothing

    async def _auth(self, rest: str) -> None:
        self._need_hello()
        if not self._is_secure:
            raise Refused("538 5.7.11 a key is taken over TLS alone: STARTTLS first")
        if self._envelope is not None:
            raise Refused("503 5.5.1 not in the middle of a mail")
        self._say(await self._login.log_in(rest, self._asked))

    # --- a mail ------------------------------------------------------------------------------------------------------

    async def _mail(self, rest: str) -> None:
        self._need_hello()
        caller = await self._login.still()
        if self._envelope is not None:
            raise Refused("503 5.5.1 a mail has been begun: RSET ends it")
        if self._mails >= limits.SMTP_MAILS_MAX:
            raise Farewell("421 4.7.0 enough mail for one connection: open another one")
        path = commands.read_sender(rest)
        self._envelope = _Envelope(caller, is_utf8="SMTPUTF8" in path.parameters)
        self._say("250 2.1.0 go on")

    async def _rcpt(self, rest: str) -> None:
        if self._envelope is None:
            raise Refused("503 5.5.1 MAIL FROM comes first")
        address = commands.read_recipient(rest, is_utf8=self._envelope.is_utf8)
        recipients = self._envelope.recipients
        recipients.setdefault(address.email.lower(), address)
        if len(recipients) > limits.RECIPIENTS_MAX:
            recipients.popitem()
            raise Refused(
                f"452 4.5.3 a mail has at most {limits.RECIPIENTS_MAX} recipients: the rest is for another one"
            )
        self._say("250 2.1.5 go on")

    async def _data(self, rest: str) -> None:
        _need_nothing(rest)
        envelope = self._envelope
        if envelope is None or not envelope.recipients:
            raise Refused("554 5.5.1 nobody is to get this mail: RCPT TO comes first")
        self._envelope = None
        self._mails += 1
        self._say("354 end with a line that has a dot alone")
        self._is_taking = True
        try:
            content = await self._content()
            submitted = Submitted(content, tuple(envelope.recipients.values()), envelope.caller)
            self._say(await self._house.submitter.submit(submitted))
        finally:
            self._is_taking = False

    async def _content(self) -> Content:
        content = Content()
        async with asyncio.timeout(self._house.patience.content_s):
            with self._house.submitter.room(content) as grow:
                while True:
                    is_over = content.feed(self._wire.buffer)
                    grow()
                    if is_over:
                        return content
                    await self._wire.more()

    def _need_hello(self) -> None:
        if not self._said_hello:
            raise Refused("503 5.5.1 say who you are first: EHLO client.example.com")

    # --- what changes little -----------------------------------------------------------------------------------------

    async def _rset(self, rest: str) -> None:
        _need_nothing(rest)
        self._envelope = None
        self._say("250 2.0.0 forgotten")

    async def _noop(self, _rest: str) -> None:
        self._say("250 2.0.0 still here")

    async def _vrfy(self, _rest: str) -> None:
        self._say("252 2.1.5 send it, and see")

    async def _unknown(self, _rest: str) -> None:
        raise Refused("500 5.5.1 this command is not known here")

    async def _quit(self, _rest: str) -> None:
        raise Farewell("221 2.0.0 good-bye")

    _HANDLERS: ClassVar[Mapping[str, Callable[["Session", str], Awaitable[None]]]] = {
        "EHLO": _ehlo,
        "HELO": _helo,
        "STARTTLS": _starttls,
        "AUTH": _auth,
        "MAIL": _mail,
        "RCPT": _rcpt,
        "DATA": _data,
        "RSET": _rset,
        "NOOP": _noop,
        "VRFY": _vrfy,
        "QUIT": _quit,
    }


def _need_nothing(rest: str) -> None:
    if rest:
        raise Refused("501 5.5.4 this command takes no parameter")
