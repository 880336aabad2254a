"""Webhooks as people and programs manage them, each project its own."""

import base64
import logging
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from everpost.engine.ports import Ports
from everpost.engine.trail import last_seq
from everpost.engine.webhooks import replays
from everpost.engine.webhooks.poster import Poster
from everpost.engine.webhooks.shelf import Shelf, told
from everpost.model.event import Event, EventType, Recorded
from everpost.model.key import Caller
from everpost.model.limits import (
    WEBHOOK_ROTATION_S_MAX,
    WEBHOOK_SECRETS_MAX,
    WEBHOOK_URL_CHARS_MAX,
    WEBHOOKS_MAX,
)
from everpost.model.problem import FieldError, Problem
from everpost.model.webhook import STANDARD, Progress, SigningKey, Webhook
from everpost.webhooks import signing
from everpost.webhooks.progress import Result

_ID_BYTES: Final = 10
_log = logging.getLogger(__name__)

Changes = Mapping[str, Any]
"""Fields of a webhook by name: url, login, description, events, accounts, tags, enabled; of a new one also format."""

Change = Callable[[Webhook, float], tuple[Changes, Mapping[str, Any]]]
"""From a webhook and the time: which fields it gets, and what the trail tells of that."""


class Registry:
    """All methods raise StoreUnavailable when the store does."""

    def __init__(self, ports: Ports, poster: Poster, accounts: Collection[str]) -> None:
        self._ports = ports
        self._poster = poster
        self._accounts = frozenset(accounts)
        self._shelf = Shelf(ports.store)

    async def of(self, project: str) -> Sequence[Webhook]:
        """The oldest first."""
        return [webhook for webhook in await self._shelf.all() if webhook.project == project]

    async def get(self, project: str, id_: str) -> Webhook | Problem:
        found = await self._found(project, id_)
        return found if isinstance(found, Problem) else found[0]

    async def progress(self, webhook: Webhook) -> Progress:
        found = await self._shelf.progress(webhook.id)
        return Progress(cursor=0) if found is None else found[0]

    async def create(self, caller: Caller, fields: Changes) -> Webhook | Problem:
        """Made with a secret, from which it is signed; it gets what happens from now on."""
        if errors := self._faults(fields):
            return _faulty(errors)
        if len(await self.of(caller.project)) >= WEBHOOKS_MAX:
            detail = f"a project has at most {WEBHOOKS_MAX} webhooks; delete one first"
            return Problem(code="too_many_webhooks", status=409, title="There are too many webhooks", detail=detail)
        now = self._ports.clock.now()
        webhook = Webhook(
            id="wh_" + base64.b32encode(secrets.token_bytes(_ID_BYTES)).decode().lower(),
            project=caller.project,
            keys=(_new_key(),),
            created_at=now,
            changed_at=now,
            **fields,
        )
        await self._shelf.put_progress(webhook.id, Progress(cursor=await last_seq(self._ports.store)), 0)
        event = told(EventType.WEBHOOK_CREATED, webhook, 1, now, by=caller.who)
        await self._shelf.put(webhook, 0, [event])
        self._ports.news.nudge()
        return webhook

    async def change(self, caller: Caller, id_: str, fields: Changes) -> Webhook | Problem:
        """Only these fields."""
        if errors := self._faults(fields):
            return _faulty(errors)
        if "enabled" in fields:
            fields = {**fields, "reason": "" if fields["enabled"] else f"by {caller.who}"}
        data = {"by": caller.who, "fields": sorted(set(fields) - {"reason"})}
        return await self._changed(caller.project, id_, EventType.WEBHOOK_CHANGED, lambda *_: (fields, data))

    async def rotate(self, caller: Caller, id_: str) -> Webhook | Problem:
        """A new secret signs from now on; those before go on signing for a day, so that the receiver may change."""

        def rotated(webhook: Webhook, now: float) -> tuple[Changes, Mapping[str, Any]]:
            until = now + WEBHOOK_ROTATION_S_MAX
            before = [
                key if key.until is not None else SigningKey(key.secret, until)
                for key in webhook.keys
                if key.until is None or now < key.until
            ]
            keys = (_new_key(), *before)[:WEBHOOK_SECRETS_MAX]
            return {"keys": keys}, {"by": caller.who, "old_until_at": until}

        return await self._changed(caller.project, id_, EventType.WEBHOOK_ROTATED, rotated)

    async def disable(self, webhook: Webhook, reason: str) -> None:
        """By Everpost itself: with a notice in the trail, and in the log."""
        fields, data = {"enabled": False, "reason": reason}, {"reason": reason}
        done = await self._changed(webhook.project, webhook.id, EventType.WEBHOOK_DISABLED, lambda *_: (fields, data))
        if isinstance(done, Webhook):
            _log.warning("a webhook is disabled", extra={"webhook": webhook.id, "error": reason})

    async def delete(self, caller: Caller, id_: str) -> Problem | None:
        """What has not been delivered goes with it."""
        while True:
            found = await self._found(caller.project, id_)
            if isinstance(found, Problem):
                return found
            webhook, version = found
            now = self._ports.clock.now()
            event = told(EventType.WEBHOOK_DELETED, webhook, version + 1, now, by=caller.who)
            if await self._shelf.remove(webhook, version, [event]):
                self._ports.news.nudge()
                return None

    async def test(self, caller: Caller, id_: str) -> Result | Problem:
        """Posts an event of its own at once, be the webhook enabled or not, and says what came of it."""
        found = await self._found(caller.project, id_)
        if isinstance(found, Problem):
            return found
        webhook, _ = found
        event = Event(
            id=f"{EventType.WEBHOOK_TEST}:{webhook.id}:{self._ports.clock.entropy():020x}",
            type=EventType.WEBHOOK_TEST,
            at=self._ports.clock.now(),
            project=webhook.project,
            data={"webhook": webhook.id, "by": caller.who},
        )
        return await self._poster.post(webhook, Recorded(0, event))

    async def replay(self, caller: Caller, webhook: Webhook, wanted: replays.Wanted) -> Progress | Problem:
        """What is wanted is delivered once more, as far as it is for this webhook."""
        begun = await replays.replay(self._ports, webhook, wanted, caller.who)
        self._ports.news.nudge()
        return begun

    # ------------------------------------------------------------------------------------------------------------------

    async def _found(self, project: str, id_: str) -> tuple[Webhook, int] | Problem:
        found = await self._shelf.get(id_)
        if found is None or found[0].project != project:
            detail = f"there is no webhook {id_!r} in this project"
            return Problem(code="not_found", status=404, title="There is no such webhook", detail=detail)
        return found

    async def _changed(self, project: str, id_: str, type_: EventType, change: Change) -> Webhook | Problem:
        while True:
            found = await self._found(project, id_)
            if isinstance(found, Problem):
                return found
            webhook, version = found
            now = self._ports.clock.now()
            fields, data = change(webhook, now)
            changed = replace(webhook, **fields, changed_at=now)
            is_written = await self._shelf.put(changed, version, [told(type_, changed, version + 1, now, **data)])
            self._ports.news.nudge()
            if is_written:
                return changed

    def _faults(self, fields: Changes) -> list[FieldError]:
        errors = []
        url = fields.get("url")
        if url is not None and len(url) > WEBHOOK_URL_CHARS_MAX:
            errors.append(FieldError("url", f"has {len(url)} characters, at most {WEBHOOK_URL_CHARS_MAX} are allowed"))
        elif url is not None and (complaint := self._poster.guard.complaint(url)):
            errors.append(FieldError("url", complaint))
        if (complaint := self._poster.phrasing.complaint(fields.get("format", STANDARD))) is not None:
            errors.append(FieldError("format", complaint))
        known = ", ".join(sorted(self._accounts)) or "none"
        errors += (
            FieldError(f"accounts[{place}]", f"unknown account {name!r}; known: {known}")
            for place, name in enumerate(fields.get("accounts", ()))
            if name not in self._accounts
        )
        return errors


def _new_key() -> SigningKey:
    return SigningKey(signing.secret_of(secrets.token_bytes(signing.KEY_BYTES)))


def _faulty(errors: Sequence[FieldError]) -> Problem:
    title = "The webhook has faulty fields"
    return Problem(code="validation_failed", status=422, title=title, errors=tuple(errors))
