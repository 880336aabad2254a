"""Where PostgreSQL is, and how a session with it begins."""

import ssl
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import asyncpg
from msgspec import Struct

from everpost.postgres.faults import Unreachable, words_of

PORT: Final = 5432
CONNECT_S: Final = 5.0  # login included
SESSION: Final = {
    "application_name": "everpost",
    # An acknowledged mail is on disk, whatever the server, the database or the role has been told.
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
    "jit": "off",  # plans are short and run often
    # A process that was cut off holds its locks until the server finds out.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

_REFUSALS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_NONSENSE: Final = (AttributeError, LookupError, ValueError)
"""Where somebody else answers than PostgreSQL, asyncpg looks for what it was not told."""

Password = Callable[[], Awaitable[str]]


class Tls(StrEnum):
    """As libpq's `sslmode`."""

    DISABLE = "disable"
    REQUIRE = "require"  # encrypted; whoever answers is believed
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class Server(Struct, frozen=True, kw_only=True):
    host: str
    user: str
    database: str
    port: int = PORT
    password: Password | None = None  # asked for at each login, so that a new one needs no restart
    tls: Tls = Tls.VERIFY_FULL
    root_certificate: Path | None = None  # None: what the system trusts

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"

    async def connect(self, **settings: str) -> asyncpg.Connection:
        """Raises Unreachable. `settings` go over those of SESSION."""
        options: dict[str, Any] = {"password": self.password} if self.password is not None else {}
        try:
            return await asyncpg.connect(
                host=self.host,
                port=self.port,
                user=self.user,
                database=self.database,
                ssl=self._context(),
                timeout=CONNECT_S,
                target_session_attrs="read-write",  # after a fail-over the old address may lead to a standby
                server_settings=SESSION | settings,
                **options,
            )
        except (*_REFUSALS, *_NONSENSE, OSError, EOFError) as error:
            raise Unreachable(f"no connection to PostgreSQL at {self.address}: {words_of(error)}") from error

    def _context(self) -> ssl.SSLContext | bool:
        if self.tls is Tls.DISABLE:
            return False
        context = ssl.create_default_context(cafile=self.root_certificate)
        context.check_hostname = self.tls is Tls.VERIFY_FULL
        if self.tls is Tls.REQUIRE:
            context.verify_mode = ssl.CERT_NONE
        return context
