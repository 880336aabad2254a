"""A draft becomes a durable message, or is refused while its sender is still listening."""

import asyncio

import pytest
from msgspec.structs import replace

from engine_kit import CALLER, DOWN, GONE, LOST, REJECTED, TAKEN, World, accepted, account, draft, elapse, later
from everpost.engine.accept import ACCEPT_S, WATCH_S
from everpost.engine.idempotency import Idempotency
from everpost.model.account import Quota
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import Address, Origin
from everpost.model.problem import Problem
from everpost.model.suppression import Suppression
from everpost.store.memory import MemoryStore
from everpost.store.port import AcceptOverrun, Filter
from sim.providers import PROVIDER
from store_values import NOW

KEY = Idempotency("shop:send", "order-1", b"body")


async def refused(engine, **fields):
    options = {name: fields.pop(name) for name in ("idempotency", "wait_s") if name in fields}
    problem = await engine.acceptor.accept(draft(**fields), CALLER, **options)
    assert isinstance(problem, Problem)
    return problem


# --- what is stored --------------------------------------------------------------------------------------------------


async def test_a_mail_is_durable_when_it_is_accepted_and_no_provider_has_been_asked_yet(world):
    engine = world.engine()  # not running
    stored = await accepted(engine, tags=("invoice",), origin=Origin(trace="00-1-2-01"))
    one = await world.delivery(stored)
    assert (one.state, one.due_at, one.attempts) == (DeliveryState.QUEUED, NOW, 0)
    assert (await world.store.get_message("shop", stored.message.id)).message == stored.message
    [event] = await world.events()
    assert (event.type, event.project, event.delivery_id) == (EventType.ACCEPTED, "shop", one.id)
    assert event.data == {"recipients": 1, "route": "default", "tags": ["invoice"], "trace": "00-1-2-01"}
    assert world.wire.sent == []


async def test_a_fresh_mail_that_an_account_can_take_at_once_is_stored_with_its_first_attempt(world):
    async with world.running() as engine:
        stored = await accepted(engine)
        assert await world.delivery(stored) == stored.deliveries[0]
        assert (stored.deliveries[0].state, stored.deliveries[0].account) == (DeliveryState.SENDING, "a")
        assert [event.type for event in await world.events()] == [EventType.ACCEPTED, EventType.ATTEMPTED]
        await world.ended(stored)
    assert world.store.called["accept"] == 1
    assert world.store.called["begin"] == 0
    assert len(world.wire.sent) == 1


async def test_a_fresh_mail_to_a_suppressed_recipient_goes_through_the_queue():
    world = World(account("a", quota=Quota(per_day=10)))
    row = Suppression(project="shop", address="bob@example.org", reason="complained", created_at=NOW)
    async with world.running() as engine:
        await accepted(engine)
        await world.store.suppress([row], [])
        stored = await accepted(engine, to=(Address("carol@example.org"), Address("Bob@example.org")))
        assert stored.deliveries[0].state is DeliveryState.QUEUED
        assert (await world.ended(stored)).left_out == (1,)
        assert {unit: usage.used for (_, unit), usage in (await world.store.usage()).items()} == {"day": 2}
    assert len(world.wire.sent) == 2


async def test_a_fresh_mail_waits_in_the_queue_while_quotas_can_not_be_read():
    world = World(account("a", quota=Quota(per_day=10)))
    async with world.running() as engine:
        await elapse(1.0)  # what is known of the accounts has to be read anew
        world.store.fails["usage"] = GONE
        stored = await accepted(engine)
        await elapse(10.0)
        assert world.wire.sent == []
        world.store.fails.clear()
        assert (await world.ended(stored)).state is DeliveryState.SENT


async def test_a_fresh_mail_stands_behind_those_that_wait_in_the_queue():
    world = World(account("a", max_concurrency=1))
    mails = []

    async def some(engine, count):
        for _ in range(count):
            mails.append(await accepted(engine))
            await elapse(0.003)

    await some(world.engine(), 5)
    world.store.slow_s.update(claim_due=0.01, suppressed=0.01)  # time enough to slip in when the account gets free
    async with world.running() as engine:
        await some(engine, 100)
        await world.ended(mails[-1])
    assert {one.deliveries[0].state for one in mails} == {DeliveryState.QUEUED}


async def test_a_process_that_has_not_looked_at_the_queue_yet_lets_nobody_overtake_it(world):
    world.store.slow_s["claim_due"] = 1.0
    async with world.running() as engine:
        assert (await accepted(engine)).deliveries[0].state is DeliveryState.QUEUED
        await elapse(2.0)
        assert (await accepted(engine)).deliveries[0].state is DeliveryState.SENDING


async def test_a_fresh_mail_whose_process_dies_before_the_first_byte_is_asked_about_and_sent(world):
    world.store.fails["accept"], world.store.forgets = GONE, True
    async with world.running() as engine:
        assert (await refused(engine)).code == "store_unavailable"
        await elapse(10.0)
        assert world.wire.sent == []
        world.store.fails.clear()
        [stored] = await world.store.list_messages(Filter(project="shop"), None, 10)
        assert (await world.ended(stored)).state is DeliveryState.SENT
    assert len(world.wire.asked) >= 2
    assert len(world.wire.sent) == 1


async def test_without_a_time_of_its_own_a_mail_expires_when_its_route_gives_up():
    world = World("a", give_up_after_s=100.0)
    engine = world.engine()
    now = world.clock.now()
    assert (await accepted(engine)).deliveries[0].expires_at == now + 100
    assert (await accepted(engine, send_at=now + 50)).deliveries[0].expires_at == now + 150
    assert (await accepted(engine, send_at=now - 50)).deliveries[0].expires_at == now + 100
    assert (await accepted(engine, expires_at=now + 7)).deliveries[0].expires_at == now + 7


async def test_a_mail_for_later_is_handed_over_then(world):
    async with world.running() as engine:
        stored = await accepted(engine, send_at=NOW + 100)
        await world.ended(stored)
    [request] = world.wire.sent
    assert 100 <= round(request.at, 3) < 101


async def test_a_mail_that_nobody_can_carry_is_refused_and_nothing_is_kept_of_it(world):
    problem = await refused(world.engine(), idempotency=KEY, provider_options={"plain": {}})
    assert (problem.code, problem.status) == ("validation_failed", 422)
    too_many = tuple(Address(f"bob{number}@example.org") for number in range(1001))
    problem = await refused(world.engine(), idempotency=KEY, to=too_many)
    assert problem.code == "no_account_can_carry"
    assert [error.message for error in problem.errors] == [
        f"account {name}: 1001 recipients are more than its 1000" for name in "ab"
    ]
    assert (await world.store.counts()).accepted == 0
    assert await accepted(world.engine(), idempotency=KEY)  # the key is free


async def test_a_mail_that_no_provider_can_express_is_refused_while_its_sender_listens():
    world = World("a", provider=replace(PROVIDER, fault=lambda mail: f"it can't say {mail.subject!r}"))
    problem = await refused(world.engine(), subject="Grüße")
    assert [error.message for error in problem.errors] == ["account a: it can't say 'Grüße'"]
    assert (await world.store.counts()).accepted == 0


async def test_a_mail_is_accepted_while_every_provider_is_down(world):
    for name in "ab":
        world.wire.script(name, DOWN)
    async with world.running() as engine:
        for _ in range(20):
            await accepted(engine)
            await elapse(1.0)
    assert (await world.store.counts()).by_state["queued"] == 20


# --- a store in trouble ----------------------------------------------------------------------------------------------


async def test_a_store_that_is_too_slow_is_told_as_such_and_frees_the_key(world):
    world.store.slow_s["accept"] = ACCEPT_S + 0.1
    async with world.running() as engine:
        problem = await refused(engine, idempotency=KEY)
        assert (problem.code, problem.status, problem.retry_after_s) == ("store_unavailable", 503, 1.0)
        world.store.slow_s.clear()
        again = await accepted(engine, idempotency=KEY)
        await world.ended(again)
    assert [request.delivery for request in world.wire.sent] == [f"{again.message.id}.0"]
    assert (await world.store.counts()).accepted == 1


@pytest.mark.parametrize("method", ["read_config", "accept"])
async def test_a_store_that_is_away_refuses_mail_and_costs_no_room(world, method):
    async with world.running() as engine:
        world.store.fails[method] = GONE
        for _ in range(2000):  # more than a process holds at once
            assert (await refused(engine)).status == 503
            engine._routes._known = None
        world.store.fails.clear()
        stored = await accepted(engine)
        assert stored.deliveries[0].state is DeliveryState.SENDING  # there is room


async def test_a_caller_that_gives_up_costs_no_room(world):
    async with world.running() as engine:
        world.store.slow_s["accept"] = 1.0
        calls = [asyncio.create_task(accepted(engine)) for _ in range(5)]
        await elapse(0.5)
        assert engine._deliverer._active() == 5
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert engine._deliverer._active() == 0


# --- waiting for the hand-over ---------------------------------------------------------------------------------------


async def test_a_caller_that_waits_is_answered_as_soon_as_the_mail_is_handed_over(world):
    world.wire.script("a", later(TAKEN, 2.0))
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
        assert world.clock.monotonic() < 2.1
        assert engine._deliverer.watches._watches == {}  # nobody waits any more
    assert stored.deliveries[0].state is DeliveryState.SENT
    assert [recorded.event.type for recorded in stored.events] == [
        EventType.ACCEPTED,
        EventType.ATTEMPTED,
        EventType.SENT,
    ]


async def test_a_mail_that_fails_is_an_answer_too(world):
    world.wire.script("a", REJECTED)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
    assert stored.deliveries[0].state is DeliveryState.FAILED


async def test_a_caller_is_told_how_the_mail_stands_when_its_time_is_over(world):
    world.wire.script("a", LOST)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=3.0)
        assert world.clock.monotonic() == pytest.approx(3.0, abs=0.1)
        assert stored.deliveries[0].state is DeliveryState.UNCERTAIN


async def test_a_caller_learns_what_another_process_has_done(world):
    async with world.running():
        stored = await accepted(world.engine(), wait_s=30.0)  # of a process that delivers nothing itself
        assert stored.deliveries[0].state is DeliveryState.SENT
        assert world.clock.monotonic() < 5.0 + 2 * WATCH_S


async def test_a_store_that_can_not_be_read_while_a_caller_waits_makes_no_accepted_mail_a_refused_one(world):
    world.wire.script("a", later(TAKEN, 1.0))
    async with world.running():
        other = world.engine()  # delivers nothing itself, and has to read what became of it
        waiting = asyncio.create_task(accepted(other, wait_s=10.0))
        await elapse(0.5)
        world.store.fails["get_message"] = GONE
        await elapse(6.0)
        assert not waiting.done()
        world.store.fails.clear()
        assert (await waiting).deliveries[0].state is DeliveryState.SENT
        world.store.fails["get_message"] = GONE
        assert (await accepted(other, wait_s=3.0)).deliveries[0].state is DeliveryState.QUEUED  # as last seen


async def test_the_end_of_a_first_attempt_needs_no_look_into_the_store(world):
    world.wire.script("a", later(TAKEN, 1.0))
    async with world.running() as engine:
        world.store.fails["get_message"] = GONE
        stored = await accepted(engine, wait_s=10.0)
        world.store.fails.clear()
        read = await world.store.get_message(stored.message.project, stored.message.id)
    assert stored.deliveries == read.deliveries
    assert [recorded.event for recorded in stored.events] == [recorded.event for recorded in read.events]


async def test_what_went_through_the_queue_is_read_whole(world):
    world.wire.script("a", DOWN)
    world.wire.script("b", later(TAKEN, WATCH_S / 2))
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=10.0)
        read = await world.store.get_message(stored.message.project, stored.message.id)
    assert stored.deliveries == read.deliveries
    assert [recorded.event for recorded in stored.events] == [recorded.event for recorded in read.events]
    assert [recorded.event.type for recorded in read.events].count(EventType.ATTEMPTED) == 2


async def test_who_repeats_a_request_is_not_told_of_a_mail_that_was_undone_meanwhile(world, monkeypatch):
    """Another process has taken it back, since it was stored too late for its own caller."""

    async def undone(*_):
        return False

    async with world.running() as engine:
        await accepted(engine, idempotency=KEY)
        monkeypatch.setattr(MemoryStore, "vouch", undone)
        again = await engine.acceptor.accept(draft(), CALLER, idempotency=KEY)
    assert (again.code, again.status) == ("store_unavailable", 503)


async def test_an_answer_that_can_not_be_kept_costs_its_replays_no_more_than_its_form(world):
    async with world.running() as engine:
        first = await accepted(engine, idempotency=KEY, wait_s=5.0)
        world.store.fails["answer"] = GONE
        await engine.acceptor.remember(KEY, b"the answer")
        await elapse(5.0 + ACCEPT_S)
        again = await engine.acceptor.accept(draft(), CALLER, idempotency=KEY, wait_s=5.0)
    assert (again.replayed, again.answer) == (True, None)
    assert again.stored.deliveries == first.deliveries


async def test_who_waits_is_told_how_the_mail_stands_when_the_process_stops(world):
    world.wire.script("a", later(TAKEN, 4.0))
    async with world.running() as engine:
        waiting = asyncio.create_task(accepted(engine, wait_s=60.0))
        await elapse(1.0)
        stopped_at = world.clock.monotonic()
    stored = await waiting
    assert stored.deliveries[0].state is DeliveryState.SENDING
    assert (await world.delivery(stored)).state is DeliveryState.SENT  # the attempt in flight was waited for
    assert world.clock.monotonic() - stopped_at < 5.0


async def test_who_comes_while_the_process_stops_does_not_wait_at_all(world):
    async with world.running() as engine:
        pass
    started_at = world.clock.monotonic()
    stored = await accepted(engine, wait_s=60.0)
    assert stored.deliveries[0].state is DeliveryState.QUEUED
    assert world.clock.monotonic() - started_at < 0.1


async def test_an_overrun_is_told_as_a_store_that_can_not_take_it(world):
    world.store.fails["accept"] = AcceptOverrun("too slow")
    problem = await refused(world.engine())
    assert problem.status == 503
    assert "nothing was accepted (too slow)" in problem.detail
