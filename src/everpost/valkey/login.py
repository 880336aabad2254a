"""Who we are to the server."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct


class ValkeyUnavailable(Exception):
    """The server can't be asked now, or refuses."""


class Login(Protocol):
    @property
    def lasts_s(self) -> float:
        """After so long a connection has to be told again."""
        ...

    async def __call__(self) -> tuple[str, str]:
        """User and password as they are now; the user may be empty. Raises ValkeyUnavailable."""
        ...


class Password(Struct, frozen=True):
    """AUTH with a password that stays."""

    password: str
    user: str = ""
    lasts_s: float = float("inf")

    async def __call__(self) -> tuple[str, str]:
        return self.user, self.password

    def __repr__(self) -> str:
        return f"Password(user={self.user!r})"


class FetchedPassword(Struct, frozen=True):
    """AUTH with a password that is asked for at each connection, so that it may change."""

    fetch: Callable[[], Awaitable[str]]  # raises ValkeyUnavailable
    user: str = ""
    lasts_s: float = float("inf")

    async def __call__(self) -> tuple[str, str]:
        return self.user, await self.fetch()
