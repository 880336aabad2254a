"""Recipients who leave by the link of a mail: no login, one click, as often as they like."""

from collections.abc import Callable
from typing import Final

import msgspec

from everpost.core.noticing import facts_of
from everpost.core.unsubscribe import message_of, token_of, with_link
from everpost.engine.clock import Clock
from everpost.model.event import Event, EventType
from everpost.model.ids import delivery_id
from everpost.model.message import Draft, Message, Removed
from everpost.model.problem import FieldError, Problem
from everpost.model.removal import is_token
from everpost.model.suppression import Source, Suppression, covers, has_expired
from everpost.store.port import Store

SECRETS: Final = "unsubscribe/secrets"  # the document with them, in hex: the first one signs, each is believed
SECRETS_MAX: Final = 3  # links of older ones are no longer valid
READ_EVERY_S: Final = 60.0  # whether another process has made a new one: whoever forges links makes nobody read more
_PARTS: Final = 4  # of 80 bits
_REASON: Final = "they followed the link of a mail"


class Unsubscribing:
    def __init__(self, store: Store, clock: Clock, nudge: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._nudge = nudge
        self._secrets: tuple[bytes, ...] = ()
        self._read_at: float | None = None  # monotonic
        self.public_url: str | None = None  # where recipients reach this API; None: nobody has said

    def refusal(self, draft: Draft) -> Problem | None:
        if not draft.unsubscribe or self.public_url is not None:
            return None
        words = "needs an address for its links: set http.public_url in the configuration"
        title = "The request has faulty fields"
        errors = (FieldError("unsubscribe", words),)
        return Problem(code="validation_failed", status=422, title=title, errors=errors)

    async def linked(self, message: Message) -> Message:
        """With the headers of its link, if its sender wants one."""
        if not message.unsubscribe or self.public_url is None:
            return message
        secrets = self._secrets if self._secrets and not self._may_read() else await self._read()
        return with_link(message, f"{self.public_url.rstrip('/')}/u/{token_of(message.id, secrets[0])}")

    async def rotate(self) -> None:
        """From now on another secret signs; links by the SECRETS_MAX - 1 before are still believed."""
        known = await self._store.read_config(SECRETS)
        before = msgspec.json.decode(known[SECRETS].value, type=list[str]) if SECRETS in known else []
        await self._store.write_config(SECRETS, msgspec.json.encode([self._made(), *before][:SECRETS_MAX]), None)

    async def who(self, token: str) -> Suppression | None:
        """What the link asks for; None: it is not ours, or its mail is no longer kept."""
        message_id = message_of(token, self._secrets)
        if message_id is None and self._may_read():
            message_id = message_of(token, await self._read())
        delivery = None if message_id is None else await self._store.find_delivery(delivery_id(message_id, 0))
        stored = None if delivery is None else await self._store.get_message(delivery.project, delivery.message_id)
        if stored is None or Removed.RECIPIENTS in stored.message.removed:
            return None
        message = stored.message
        address = message.recipients[0].email.lower()
        if is_token(address):
            return None
        return Suppression(
            project=message.project,
            address=address,
            stream=message.stream,
            source=Source.UNSUBSCRIBE,
            reason=_REASON,
            created_at=self._clock.now(),
        )

    async def leave(self, token: str) -> Suppression | None:
        """From now on they are not written to. Whoever has left before has so still; None as of `who`."""
        row = await self.who(token)
        if row is None:
            return None
        known = await self._store.suppressed(row.project, [row.address], row.stream)
        if not any(covers(one, row) for one in known if not has_expired(one, row.created_at)):
            event = Event(
                id=f"{EventType.SUPPRESSION_ADDED}:{self._clock.entropy():020x}",
                type=EventType.SUPPRESSION_ADDED,
                at=row.created_at,
                project=row.project,
                message_id=token.partition(".")[0],
                data={"by": "recipient", "place": 0, **facts_of(row)},
            )
            await self._store.suppress([row], [event])
            self._nudge()
        return row

    def _may_read(self) -> bool:
        now = self._clock.monotonic()
        return self._read_at is None or now - self._read_at >= READ_EVERY_S

    async def _read(self) -> tuple[bytes, ...]:
        """They are made by whoever needs them first."""
        self._read_at = self._clock.monotonic()
        known = await self._store.read_config(SECRETS)
        if SECRETS not in known:
            await self._store.write_config(SECRETS, msgspec.json.encode([self._made()]), 0)
            known = await self._store.read_config(SECRETS)
        self._secrets = tuple(map(bytes.fromhex, msgspec.json.decode(known[SECRETS].value, type=list[str])))
        return self._secrets

    def _made(self) -> str:
        return b"".join(self._clock.entropy().to_bytes(10) for _ in range(_PARTS)).hex()
