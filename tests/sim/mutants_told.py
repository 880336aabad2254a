"""Everpost broken on purpose where it takes in what providers tell."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from everpost.core import recipients
from everpost.engine.ingest import Ingestor, Taken
from everpost.store.memory import MemoryStore
from everpost.store.port import Notice


def answer_a_provider_before_its_event_is_stored(patch: pytest.MonkeyPatch) -> None:
    keep = Ingestor.keep

    async def hasty(self, account, read, received_at):
        asyncio.create_task(keep(self, account, read, received_at))  # noqa: RUF006  it dies with its node
        return Taken(joined=len(read))

    patch.setattr(Ingestor, "keep", hasty)


def take_an_event_that_is_told_again_for_a_new_one(patch: pytest.MonkeyPatch) -> None:
    note, numbers = MemoryStore.note, iter(range(10**9))

    async def anew(self, notices: Sequence[Notice]) -> Any:
        named = [replace(one, event=replace(one.event, id=f"{one.event.id}-{next(numbers)}")) for one in notices]
        return await note(self, named)

    patch.setattr(MemoryStore, "note", anew)


def go_by_what_was_told_last(patch: pytest.MonkeyPatch) -> None:
    folded = recipients._folded
    patch.setattr(recipients, "_folded", lambda base, told: folded(base, list(told)[-1:]))
