"""What people and programs see, and what they may turn."""

import asyncio

import pytest
from msgspec.structs import replace

from engine_kit import CALLER, TAKEN, Troubled, World, accepted, account, barred, elapse, later
from everpost.engine.search import Found, Sought
from everpost.model.account import Quota
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.key import Caller, Scope
from everpost.model.message import Address
from everpost.store.port import Stored
from store_values import NOW

STRANGER = Caller(project="blog", who="key-2", scope=Scope.ADMIN)
CANCELLED = DeliveryState.CANCELLED


async def test_a_mail_that_waits_can_be_cancelled_and_it_is_told_by_whom(world):
    engine = world.engine()
    stored = await accepted(engine)
    cancelled = await engine.desk.cancel(CALLER, stored.message.id)
    assert cancelled.deliveries[0].state is CANCELLED
    [event] = await world.events(EventType.CANCELLED)
    assert (event.data, event.account) == ({"by": "key-1"}, None)


async def test_a_mail_that_is_on_its_way_can_not_be_cancelled(world):
    world.wire.script("a", later(TAKEN, 5.0))
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(1.0)
        problem = await engine.desk.cancel(CALLER, stored.message.id)
        assert (problem.code, problem.status) == ("not_cancellable", 409)
        assert problem.detail == "only a queued message can be cancelled; this one is sending"


async def test_a_cancelled_mail_can_not_be_cancelled_again(world):
    engine = world.engine()
    stored = await accepted(engine)
    await engine.desk.cancel(CALLER, stored.message.id)
    assert (await engine.desk.cancel(CALLER, stored.message.id)).code == "not_cancellable"
    assert len(await world.events(EventType.CANCELLED)) == 1


async def test_a_mail_of_another_project_does_not_exist(world):
    engine = world.engine()
    stored = await accepted(engine)
    assert (await engine.desk.cancel(STRANGER, stored.message.id)).code == "not_found"
    assert await engine.console.message("blog", stored.message.id) is None
    assert await engine.console.events(Sought(project="blog"), 0, 10) == Found([], 0)
    assert (await world.delivery(stored)).state is DeliveryState.QUEUED


async def test_a_cancellation_wins_or_loses_against_a_worker_and_never_does_both(world):
    async with world.running() as engine:
        mails = [await accepted(engine) for _ in range(50)]
        answers = await asyncio.gather(*(engine.desk.cancel(CALLER, stored.message.id) for stored in mails))
        ended = [await world.ended(stored) for stored in mails]
    sent = {request.delivery for request in world.wire.sent}
    for answer, one in zip(answers, ended, strict=True):
        assert (one.state is CANCELLED) is isinstance(answer, Stored)
        assert (one.id in sent) is (one.state is DeliveryState.SENT)


async def test_a_cancellation_that_a_claim_overtakes_is_tried_again(world):
    """A claim raises the version and leaves the mail queued."""

    class Claiming(Troubled):
        async def advance(self, changes):
            self.called["advance"] += 1
            if self.called["advance"] == 1:
                await self.claim_due(NOW + 1e6, 15.0, 10)
            return await self._target.advance(changes)

    world.store = Claiming(world.store._target)
    engine = world.engine()
    stored = await accepted(engine)
    assert (await engine.desk.cancel(CALLER, stored.message.id)).deliveries[0].state is CANCELLED
    assert len(await world.events(EventType.CANCELLED)) == 1


async def test_a_suppressed_address_is_kept_in_lower_case_and_told_without_naming_it(world):
    engine = world.engine()
    [row] = await engine.console.suppressing.put(CALLER, [barred("Bob@Example.org", "complained")])
    assert row.address == "bob@example.org"
    assert await engine.console.suppressing.find("shop", "BOB@example.org", "") == row
    assert await engine.console.suppressing.find("blog", "BOB@example.org", "") is None
    await engine.console.suppressing.remove(CALLER, "BOB@EXAMPLE.ORG", "")
    assert await engine.console.suppressing.find("shop", "bob@example.org", "") is None
    added, removed = await world.events()
    assert (added.type, added.data) == (
        EventType.SUPPRESSION_ADDED,
        {"by": "key-1", "source": "person", "reason": "complained"},
    )
    assert (removed.type, removed.data) == (EventType.SUPPRESSION_REMOVED, {"by": "key-1"})
    assert added.id != removed.id


async def test_the_quota_that_is_left_is_shown():
    world = World(account("a", quota=Quota(per_day=10, per_month=100)), "b")
    async with world.running() as engine:
        await accepted(engine, to=(Address("bob@example.org"), Address("ann@example.org")), wait_s=5.0)
        first, second = await engine.console.accounts()
    assert (first.quota_left, second.quota_left) == ({"day": 8, "month": 98}, {})


async def test_requests_in_flight_are_shown(world):
    world.wire.script("a", later(TAKEN, 5.0))
    async with world.running() as engine:
        for _ in range(3):
            await accepted(engine)
        await elapse(1.0)
        assert [status.in_flight for status in await engine.console.accounts()] == [3, 0]
        await elapse(5.0)
        assert [status.in_flight for status in await engine.console.accounts()] == [0, 0]


@pytest.mark.parametrize("name", ["a", "b"])
async def test_the_default_account_is_that_of_the_default_route(world, name):
    world.routes = (replace(world.routes[0], accounts=world.routes[0].accounts[:: 1 if name == "a" else -1]),)
    assert await world.engine().console.default_account() == name
