"""Who is calling."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

DEFAULT_PROJECT: Final = "default"  # of whoever needs no key


class Scope(StrEnum):
    SEND = "send"  # hand in mail, and read and cancel it
    READ = "read"  # see messages, events, accounts and routes
    ADMIN = "admin"  # everything, routes and keys included


class ApiKey(Struct, frozen=True, kw_only=True):
    id: str  # the public part; safe to log
    project: str
    scope: Scope
    name: str
    digest: bytes  # SHA-256 of the secret part
    created_at: float
    revoked_at: float | None = None
    expires_at: float | None = None  # None: never


class Caller(Struct, frozen=True, kw_only=True):
    project: str
    who: str  # the key's id, or `local` where no key is needed
    scope: Scope

    def may(self, scope: Scope) -> bool:
        return self.scope in (scope, Scope.ADMIN) or (self.scope is Scope.SEND and scope is Scope.READ)
