"""API keys: made here, shown once, kept as a digest.

A token reads `evp_<id>_<secret><checksum>`: a prefix that secret scanners can look for, the public id (8 characters),
160 random bits (32 characters) and a CRC-32 (7 characters), all in the base 32 of RFC 4648 in lower case. The checksum
turns typos away without a look into the store; it protects nothing.
"""

import base64
import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Callable
from typing import Final

import msgspec

from everpost.engine.key_uses import USED, KeyUses, used
from everpost.model.event import Event, EventType
from everpost.model.key import DEFAULT_PROJECT, ApiKey, Caller, Scope
from everpost.store.port import Document, Store

PREFIX: Final = "evp_"
CACHE_S: Final = 1.0
"""How long a key is remembered: a revocation takes effect in other processes within this time."""
CACHED_KEYS_MAX: Final = 1024
_ID_BYTES: Final = 5
_SECRET_BYTES: Final = 20
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_TOKEN: Final = re.compile(r"evp_([a-z2-7]{8})_([a-z2-7]{32})([a-z2-7]{7})")
_FOLDER: Final = "key/"


class Keyring:
    """The API keys of one installation. All methods raise StoreUnavailable when the store does."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._uses = KeyUses(store, clock)
        self.notes_uses = True  # False: this process may read alone
        self._cache: dict[str, tuple[ApiKey, float]] = {}  # by id, with the instant of reading
        self._callers: dict[bytes, Caller] = {}  # by the digest of a whole token that was found to be good

    async def create(
        self, project: str, scope: Scope, name: str, lasts_s: float | None = None, by: str | None = None
    ) -> tuple[ApiKey, str]:
        """A new key and its token, which can't be had again. It ends by itself after `lasts_s`. `by`: who makes it;
        None: whoever has the store itself."""
        while True:
            key_id, secret = _base32(secrets.token_bytes(_ID_BYTES)), _base32(secrets.token_bytes(_SECRET_BYTES))
            now = self._clock()
            key = ApiKey(
                id=key_id,
                project=project,
                scope=scope,
                name=name,
                digest=_digest(secret),
                created_at=now,
                expires_at=None if lasts_s is None else now + lasts_s,
            )
            if await self._write(key, 0, EventType.KEY_CREATED, by):
                return key, render(key_id, secret)

    async def find(self, token: str) -> Caller | None:
        """Who holds this token; None: nobody does, or no longer."""
        whole = _digest(token)
        known = self._callers.get(whole)
        if known is not None and (key := self._cached(known.who)) is not None:
            return known if self.is_good(key) else None
        parts = parse(token)
        if parts is None:
            return None
        key_id, secret = parts
        key = await self._key(key_id)
        if key is None or not hmac.compare_digest(key.digest, _digest(secret)) or not self.is_good(key):
            return None
        if self.notes_uses:
            self._uses.note(_FOLDER + key_id)
        if len(self._callers) >= CACHED_KEYS_MAX:
            self._callers.clear()
        caller = self._callers[whole] = Caller(project=key.project, who=key.id, scope=key.scope)
        return caller

    async def settled(self) -> None:
        """Returns when no use of a key is still to be written: for a process that is halted between its requests."""
        await self._uses.settled()

    async def list_keys(self, project: str | None) -> list[ApiKey]:
        """All keys of a project (None: of all), revoked ones included, oldest first."""
        return [key for key, _ in await self.list_uses(project)]

    async def list_uses(self, project: str | None) -> list[tuple[ApiKey, float | None]]:
        """The same, each with when it was last used; None: never, as far as is known."""
        documents = await self._store.read_config(_FOLDER)
        keys = [_decode(document) for name, document in documents.items() if not name.endswith(USED)]
        wanted = sorted(
            (key for key in keys if project is None or key.project == project),
            key=lambda key: (key.created_at, key.id),
        )
        return [(key, used(documents.get(_FOLDER + key.id + USED)).at or None) for key in wanted]

    async def projects(self) -> set[str]:
        """All that mail can have been sent for: those of the keys that there ever were, and the one that needs none."""
        return {DEFAULT_PROJECT, *(key.project for key in await self.list_keys(None))}

    def is_good(self, key: ApiKey) -> bool:
        """Neither revoked nor at its end."""
        return key.revoked_at is None and (key.expires_at is None or self._clock() < key.expires_at)

    async def revoke(self, key_id: str, project: str | None = None, by: str | None = None) -> ApiKey | None:
        """The key as revoked, be it now or before; None: there is no such key, or not in this project. `by`: as for
        `create`."""
        while True:
            document = (await self._store.read_config(_FOLDER + key_id)).get(_FOLDER + key_id)
            if document is None:
                return None
            key = _decode(document)
            if project not in (None, key.project):
                return None
            if key.revoked_at is not None:
                return key
            now = self._clock()
            revoked = msgspec.structs.replace(key, revoked_at=now)
            if await self._write(revoked, document.version, EventType.KEY_REVOKED, by):
                self._cache.pop(key_id, None)
                return revoked

    async def _key(self, key_id: str) -> ApiKey | None:
        key = self._cached(key_id)
        if key is not None:
            return key
        now = self._clock()
        name = _FOLDER + key_id
        documents = await self._store.read_config(name)
        if name not in documents:
            return None
        self._uses.learn(name, documents.get(name + USED))
        if len(self._cache) >= CACHED_KEYS_MAX:
            self._cache.clear()
        key = _decode(documents[name])
        self._cache[key_id] = (key, now)
        return key

    def _cached(self, key_id: str) -> ApiKey | None:
        key, read_at = self._cache.get(key_id, (None, 0.0))
        return key if 0 <= self._clock() - read_at < CACHE_S else None

    async def _write(self, key: ApiKey, was: int, told: EventType, by: str | None) -> bool:
        event = Event(
            id=f"{told}/{key.id}",
            type=told,
            at=key.revoked_at or key.created_at,
            project=key.project,
            data={"key": key.id, "scope": key.scope.value, **({} if by is None else {"by": by})},
        )
        written = await self._store.write_config(_FOLDER + key.id, msgspec.json.encode(key), was, (event,))
        return written is not None


def render(key_id: str, secret: str) -> str:
    body = f"{PREFIX}{key_id}_{secret}"
    return body + _checksum(body)


def parse(token: str) -> tuple[str, str] | None:
    """The id and the secret of a token; None: it can't be one of ours."""
    match = _TOKEN.fullmatch(token)
    if match is None or _checksum(token[: match.start(3)]) != match[3]:
        return None
    return match[1], match[2]


def _checksum(body: str) -> str:
    """As `_base32` would have it; written out, since each request pays for it."""
    number = zlib.crc32(body.encode()) << 3
    return "".join([_ALPHABET[number >> shift & 31] for shift in range(30, -1, -5)])


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


def _digest(secret: str) -> bytes:
    """A plain hash is enough: 160 random bits can't be guessed, however fast the hash."""
    return hashlib.sha256(secret.encode()).digest()


def _decode(document: Document) -> ApiKey:
    return msgspec.json.decode(document.value, type=ApiKey)
