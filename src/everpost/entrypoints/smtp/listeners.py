"""The ports at which mail is taken, and those who are connected to them."""

import asyncio
import ipaddress
import logging
from functools import partial
from typing import Final

from everpost.entrypoints.smtp.certificate import Certificate
from everpost.entrypoints.smtp.session import House, Session
from everpost.entrypoints.smtp.wire import Wire
from everpost.model.limits import SMTP_CONNECTIONS_MAX, SMTP_HANDSHAKE_S_MAX
from everpost.settings.values import SubmissionSettings

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 512
CROWDED: Final = b"421 4.3.2 too many connections: try again in a moment\r\n"
_log = logging.getLogger(__name__)


class Listeners:
    """`is_shared`: other processes listen at the same ports. `start` raises OSError: a port is taken, or the
    certificate is none."""

    def __init__(self, house: House, at: SubmissionSettings, *, is_shared: bool = False) -> None:
        self._house = house
        self._at = at
        self._is_shared = is_shared
        self._certificate: Certificate | None = None
        self._servers: list[asyncio.Server] = []
        self._sessions: dict[Guest, asyncio.Task[None]] = {}  # the oldest first

    async def start(self) -> None:
        at = self._at
        self._certificate = Certificate(at.tls) if at.tls is not None else None
        for host, port, is_tls in (
            (at.host, at.starttls_port, False),
            (at.host, at.tls_port, True),
            (LOOPBACK, at.plain_port, False),
        ):
            if port is not None:
                await self._listen(host, port, is_tls=is_tls)

    async def stop(self, within_s: float) -> None:
        """Nobody new is let in, who waits is sent away, and a mail that is on its way has `within_s` to be taken."""
        for server in self._servers:
            server.close()
        for guest in self._sessions:
            guest.session.end()
        if self._sessions:
            await asyncio.wait(self._sessions.values(), timeout=within_s)
        for task in self._sessions.values():
            task.cancel()
        await asyncio.gather(*self._sessions.values(), return_exceptions=True)

    @property
    def places(self) -> list[str]:
        """HOST:PORT of each port that is listened at."""
        names = [server.sockets[0].getsockname() for server in self._servers]
        return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port, *_ in names]

    def let_in(self, guest: "Guest") -> bool:
        """Whoever has logged in stays. Of the others, the oldest has to go for a newcomer."""
        if len(self._sessions) >= SMTP_CONNECTIONS_MAX:
            stranger = next((each for each in self._sessions if not each.session.is_known), None)
            if stranger is None:
                return False
            stranger.abort()
            del self._sessions[stranger]
        task = asyncio.create_task(guest.session.run(), name="smtp")
        self._sessions[guest] = task
        task.add_done_callback(partial(self._left, guest))
        return True

    def session_of(self, guest: "Guest", *, is_tls: bool) -> Session:
        is_secure = is_tls or ipaddress.ip_address(guest.peer.partition("%")[0]).is_loopback
        certificate = None if is_tls else self._certificate
        start_tls = partial(guest.start_tls, certificate.context) if certificate is not None else None
        return Session(self._house, guest, is_secure=is_secure, start_tls=start_tls)

    async def _listen(self, host: str, port: int, *, is_tls: bool) -> None:
        server = await asyncio.get_running_loop().create_server(
            lambda: Guest(self, is_tls=is_tls),
            host,
            port,
            backlog=BACKLOG,
            reuse_port=self._is_shared or None,
            ssl=self._certificate.context if is_tls and self._certificate is not None else None,
            ssl_handshake_timeout=SMTP_HANDSHAKE_S_MAX if is_tls else None,
        )
        self._servers.append(server)

    def _left(self, guest: "Guest", task: asyncio.Task[None]) -> None:
        self._sessions.pop(guest, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("an SMTP session failed", exc_info=error)
            guest.abort()


class Guest(Wire):
    """A connection that has a session as soon as it stands."""

    session: Session

    def __init__(self, listeners: Listeners, *, is_tls: bool) -> None:
        super().__init__()
        self._listeners = listeners
        self._is_tls = is_tls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.session = self._listeners.session_of(self, is_tls=self._is_tls)
        if not self._listeners.let_in(self):
            self.write(CROWDED)
            self.transport.close()
