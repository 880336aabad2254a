"""Everpost broken on purpose: whose mail it is, who may carry it, how much of it, and when."""

import pytest
from msgspec.structs import replace

from everpost.core import decide, quota
from everpost.engine import accept
from everpost.engine.idempotency import Idempotency
from everpost.store import memory, suppressions
from everpost.store.memory import MemoryStore
from everpost.store.port import Stored


def show_a_mail_to_everybody(patch: pytest.MonkeyPatch) -> None:
    async def get_message(self, project: str, message_id: str) -> Stored | None:
        return self._stored(message_id) if message_id in self._messages else None

    patch.setattr(MemoryStore, "get_message", get_message)


def bar_an_address_in_all_projects(patch: pytest.MonkeyPatch) -> None:
    digest = suppressions.digest_of
    patch.setattr(suppressions, "digest_of", lambda _, address, stream: digest("", address, stream))


def share_keys_between_projects(patch: pytest.MonkeyPatch) -> None:
    claim = Idempotency.claim

    def shared(self, *given):
        return replace(claim(self, *given), scope="send")

    patch.setattr(Idempotency, "claim", shared)


def answer_a_replay_otherwise(patch: pytest.MonkeyPatch) -> None:
    answer = MemoryStore.answer

    async def blurred(self, scope: str, key: str, told: bytes) -> None:
        await answer(self, scope, key, told.upper())

    patch.setattr(MemoryStore, "answer", blurred)


def send_through_whom_it_may_not(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "misfit", lambda *_: None)


def charge_no_quota(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(quota, "charges", lambda *_: ())


def charge_without_a_look_at_the_limit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory, "charged", lambda *_: {})
    patch.setattr(quota, "exhausted", lambda *_: None)


def send_before_its_time(patch: pytest.MonkeyPatch) -> None:
    delivery = accept.first_delivery

    def hasty(message, route, now):
        return delivery(replace(message, send_at=None), route, now)

    patch.setattr(accept, "first_delivery", hasty)


def give_up_before_its_time(patch: pytest.MonkeyPatch) -> None:
    delivery = accept.first_delivery

    def hasty(message, route, now):
        return replace(delivery(message, route, now), expires_at=now + 10.0)

    patch.setattr(accept, "first_delivery", hasty)
