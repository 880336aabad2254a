"""What must not go out, and what keeps a process from sending."""

import pytest
from msgspec.structs import replace

from engine_kit import (
    CALLER,
    DOWN,
    GONE,
    LOST_BUT_TAKEN,
    TAKEN,
    World,
    accepted,
    account,
    all_ended,
    elapse,
    later,
    many,
    picky,
)
from everpost.health.port import HealthUnavailable
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import Address
from everpost.model.suppression import Suppression
from everpost.store.port import Stored
from sim.providers import PROVIDER
from store_values import NOW

SENT, FAILED = DeliveryState.SENT, DeliveryState.FAILED


# --- unwanted mail ---------------------------------------------------------------------------------------------------


async def test_nothing_is_sent_to_a_suppressed_address_in_any_case_of_letters(world):
    row = Suppression(project="shop", address="bob@example.org", reason="complained", created_at=NOW)
    await world.store.suppress([row], [])
    async with world.running() as engine:
        stored = await accepted(engine, to=(Address("BOB@Example.org"),), wait_s=30.0)
        other = await accepted(engine, to=(Address("ann@example.org"),), wait_s=30.0)
    assert stored.deliveries[0].state is FAILED
    assert stored.deliveries[0].reason == "none of the recipients in `to` may be written to (suppressed)"
    assert [request.delivery for request in world.wire.sent] == [other.deliveries[0].id]


async def test_a_suppressed_recipient_is_left_out_and_the_others_get_the_mail():
    """Also from the question what became of it: asked about somebody who was not written to, a provider would truly
    say that it has no such mail."""
    built, asked = [], []

    def build(message, delivery_id, account):
        built.append([address.email for address in message.recipients])
        return PROVIDER.build(message, delivery_id, account)

    def ask(sought):
        asked.append(sought.message.recipients[0].email)
        return PROVIDER.resolve.start(sought)

    provider = replace(PROVIDER, build=build, resolve=replace(PROVIDER.resolve, start=ask))
    world = World("a", provider=provider)
    row = Suppression(project="shop", address="bob@example.org", reason="complained", created_at=NOW)
    await world.store.suppress([row], [])
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        people = ("bob@example.org", "carol@example.org")
        stored = await accepted(engine, to=tuple(map(Address, people)), cc=(Address("Bob@example.org"),), wait_s=30.0)
    assert (stored.deliveries[0].state, stored.deliveries[0].left_out) == (SENT, (0, 2))
    assert built[-1] == ["carol@example.org"]
    assert len(world.wire.sent) == 1
    assert asked == ["carol@example.org"]
    [told] = await world.events(EventType.SUPPRESSED)
    assert told.data == {"recipients": 2, "places": [0, 2]}


async def test_a_recipient_who_is_suppressed_while_the_mail_waits_is_left_out_of_the_next_attempt(world):
    world.wire.script("a", DOWN)
    world.wire.script("b", DOWN, TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine, to=(Address("bob@example.org"), Address("carol@example.org")))
        await elapse(0.5)
        row = Suppression(project="shop", address="carol@example.org", reason="complained", created_at=NOW)
        await world.store.suppress([row], [])
        ended = await world.ended(stored)
    assert (ended.state, ended.left_out) == (SENT, (1,))


async def test_another_projects_suppressions_do_not_count(world):
    row = Suppression(project="blog", address="bob@example.org", reason="complained", created_at=NOW)
    await world.store.suppress([row], [])
    async with world.running() as engine:
        assert (await accepted(engine, wait_s=30.0)).deliveries[0].state is SENT


async def test_a_mail_that_is_cancelled_while_it_is_queued_is_not_sent(world):
    async with world.running() as engine:
        stored = await accepted(engine, send_at=NOW + 100)
        cancelled = await engine.desk.cancel(CALLER, stored.message.id)
        await elapse(200.0)
    assert isinstance(cancelled, Stored)
    assert (await world.delivery(stored)).state is DeliveryState.CANCELLED
    assert world.wire.sent == []


async def test_a_mail_that_is_cancelled_while_it_waits_in_a_process_is_not_sent():
    world = World(account("a", max_concurrency=1))
    world.wire.script("a", later(TAKEN, 2.0))
    async with world.running() as engine:
        first, second = await many(engine, 2)
        await elapse(1.0)
        await engine.desk.cancel(CALLER, second.message.id)
        await world.ended(first)
        third = await accepted(engine)
        await world.ended(third)
    assert [request.delivery for request in world.wire.sent] == [f"{one.message.id}.0" for one in (first, third)]


# --- trouble with the store ------------------------------------------------------------------------------------------


async def test_no_byte_goes_out_for_an_intent_that_is_not_on_disk(world):
    stored = await accepted(world.engine())
    world.store.fails["begin"] = GONE
    async with world.running():
        await elapse(60.0)
        assert world.wire.sent == []
        world.store.fails.clear()
        assert (await world.ended(stored)).state is SENT
    assert len(world.wire.sent) == 1


async def test_while_outcomes_can_not_be_stored_nothing_is_sent_and_nothing_forgotten(world):
    async with world.running() as engine:
        world.store.fails["advance"] = GONE
        first = await accepted(engine)
        await elapse(1.0)
        mails = await many(engine, 10)
        await elapse(120.0)
        assert len(world.wire.sent) == 1
        assert (await world.delivery(first)).state is DeliveryState.SENDING
        world.store.fails.clear()
        await all_ended(world, [first, *mails])
    assert set(world.wire.taken.values()) == {1}
    assert len(world.wire.sent) == 11


@pytest.mark.parametrize("method", ["claim_due", "suppressed", "begin", "advance", "record", "read_config"])
@pytest.mark.parametrize("error", [GONE, RuntimeError("a bug")], ids=["away", "bug"])
async def test_whatever_the_store_does_the_loop_goes_on_and_loses_no_room(method, error):
    world = World(account("a", max_concurrency=2))
    async with world.running() as engine:
        mails = await many(engine, 5)
        world.store.fails[method] = error
        await elapse(30.0)
        world.store.fails.clear()
        mails += await many(engine, 5)
        await all_ended(world, mails)
        assert engine._fleet.in_flight("a") == 0
        assert engine._deliverer._active() == 0
    assert len(world.wire.taken) == 10


async def test_a_mail_that_breaks_its_provider_file_harms_no_other_mail():
    world = World(account("a", max_concurrency=2), provider=picky("odd", error=RuntimeError("a bug")))
    idle = world.engine()
    mails = await many(idle, 5)
    odd = await accepted(idle, subject="odd", expires_at=NOW + 300)
    mails += await many(idle, 5)  # all are claimed together
    async with world.running() as engine:
        await all_ended(world, mails)
        assert world.clock.monotonic() < 5.0
        await elapse(100.0)
        mails = await many(engine, 5)
        await all_ended(world, mails)
        assert engine._deliverer._active() == 0
        assert engine._fleet.in_flight("a") == 0
        assert (await world.ended(odd)).reason == "it expired before any account took it"
    assert set(world.wire.taken.values()) == {1}


async def test_without_the_shared_health_each_process_goes_by_what_it_knows(world):
    world.health.fails = dict.fromkeys(("record", "board", "lease"), HealthUnavailable("gone"))
    world.wire.script("a", DOWN)
    async with world.running() as engine:
        mails = await many(engine, 10)
        assert {one.account for one in await all_ended(world, mails)} == {"b"}
