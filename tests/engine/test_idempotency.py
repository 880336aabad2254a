"""A key makes a request that is repeated the same request."""

import asyncio

import pytest
from msgspec.structs import replace

from engine_kit import CALLER, GONE, TAKEN, accepted, draft, elapse, later
from everpost.engine.accept import ACCEPT_S
from everpost.engine.idempotency import Idempotency
from everpost.model.delivery import DeliveryState
from everpost.model.problem import Problem
from store_values import NOW, bounds

KEY = Idempotency("shop:send", "order-1", b"body")
OTHER_BODY = Idempotency("shop:send", "order-1", b"another body")


async def refused(engine, **fields):
    options = {name: fields.pop(name) for name in ("idempotency", "wait_s") if name in fields}
    problem = await engine.acceptor.accept(draft(**fields), CALLER, **options)
    assert isinstance(problem, Problem)
    return problem


async def test_the_same_key_and_body_are_the_same_mail(world):
    async with world.running() as engine:
        first = await accepted(engine, idempotency=KEY)
        await world.ended(first)
        again = await engine.acceptor.accept(draft(), CALLER, idempotency=KEY)
        assert (again.replayed, again.answer) == (True, None)
        assert again.stored.message == first.message
        assert (await refused(engine, idempotency=OTHER_BODY)).code == "idempotency_mismatch"
    assert len(world.wire.sent) == 1


async def test_of_many_requests_with_one_key_one_makes_the_mail(world):
    async with world.running() as engine:
        made = await asyncio.gather(*(accepted(engine, idempotency=KEY) for _ in range(20)))
        await world.ended(made[0])
    assert len({stored.message.id for stored in made}) == 1
    assert len(world.wire.sent) == 1


async def test_the_answer_that_a_synchronous_request_got_is_kept_for_its_replays(world):
    async with world.running() as engine:
        await accepted(engine, idempotency=KEY, wait_s=5.0)
        await engine.acceptor.remember(KEY, b"the answer")
        again = await engine.acceptor.accept(draft(), CALLER, idempotency=KEY, wait_s=5.0)
    assert (again.replayed, again.answer) == (True, b"the answer")


async def test_while_the_first_request_waits_for_its_answer_others_are_sent_away_for_a_while(world):
    world.wire.script("a", later(TAKEN, 3.0))
    async with world.running() as engine:
        first = asyncio.create_task(accepted(engine, idempotency=KEY, wait_s=20.0))
        await elapse(1.0)
        problem = await refused(engine, idempotency=KEY, wait_s=20.0)
        assert (problem.code, problem.status) == ("idempotency_running", 409)
        assert 1.0 <= problem.retry_after_s <= 5.0
        assert (await first).deliveries[0].state is DeliveryState.SENT


async def test_a_key_is_free_for_repetitions_as_soon_as_its_first_request_was_answered_though_nothing_is_final(world):
    world.wire.script("a", later(TAKEN, 60.0))
    async with world.running() as engine:
        first = await accepted(engine, idempotency=KEY, wait_s=2.0)
        assert first.deliveries[0].state is DeliveryState.SENDING
        again = await engine.acceptor.accept(draft(), CALLER, idempotency=KEY)
        assert (again.replayed, again.answer, again.stored.message) == (True, None, first.message)
        assert (await refused(engine, idempotency=OTHER_BODY)).code == "idempotency_mismatch"
        await world.ended(first)
    assert len(world.wire.sent) == 1


async def test_what_could_not_be_told_of_a_key_is_known_a_moment_later(world):
    world.wire.script("a", later(TAKEN, 60.0))
    async with world.running() as engine:
        world.store.fails["answer"] = GONE
        await accepted(engine, idempotency=KEY, wait_s=2.0)
        assert (await refused(engine, idempotency=KEY)).code == "idempotency_running"
        await elapse(ACCEPT_S)
        assert (await engine.acceptor.accept(draft(), CALLER, idempotency=KEY)).replayed


async def test_a_first_request_that_was_lost_is_not_waited_for_for_ever(world):
    world.wire.script("a", later(TAKEN, 4.0))
    async with world.running() as engine:
        first = asyncio.create_task(accepted(engine, idempotency=KEY, wait_s=2.0))
        await elapse(1.0)
        first.cancel()
        await elapse(2.0 + ACCEPT_S)
        again = await engine.acceptor.accept(draft(), CALLER, idempotency=KEY, wait_s=2.0)
        assert again.replayed
        assert again.stored.deliveries[0].state is DeliveryState.SENT


async def test_a_first_request_that_ran_under_a_clock_of_tomorrow_is_not_waited_for_until_then(world):
    world.clock.skew_s = 86_400.0
    async with world.running() as engine:
        first = await accepted(engine, idempotency=KEY, wait_s=2.0)
        world.clock.skew_s = 0.0
        again = await engine.acceptor.accept(draft(), CALLER, idempotency=KEY)
    assert (again.replayed, again.stored.message.id) == (True, first.message.id)


async def test_a_key_whose_message_is_no_longer_kept_says_so(world):
    async with world.running() as engine:
        await world.ended(await accepted(engine, idempotency=KEY))
        await world.store.purge(bounds(NOW + 1e6, 0.0), 100)
        problem = await refused(engine, idempotency=KEY)
    assert (problem.code, problem.status) == ("idempotency_expired", 409)


def expire(world):
    world.clock.skew_s = 100.0


def narrow_the_accounts(world):
    world.accounts = tuple(replace(one, recipients=("carol@example.org",)) for one in world.accounts)


def remove_the_route(world):
    world.routes = world.routes[:1]


@pytest.mark.parametrize("outdate", [expire, narrow_the_accounts, remove_the_route])
async def test_a_replay_gets_the_first_answer_although_the_mail_would_be_refused_by_now(world, outdate):
    world.routes = (*world.routes, replace(world.routes[0], name="bulk"))
    mail = {"expires_at": NOW + 50, "route": "bulk"}
    first = await accepted(world.engine(), idempotency=KEY, **mail)
    outdate(world)
    later_on = world.engine()
    again = await later_on.acceptor.accept(draft(**mail), CALLER, idempotency=KEY)
    assert (again.replayed, again.stored.message) == (True, first.message)
    assert (await refused(later_on, idempotency=OTHER_BODY, **mail)).code == "idempotency_mismatch"
    assert (await refused(later_on, idempotency=replace(KEY, key="order-2"), **mail)).status == 422
    assert (await refused(later_on, **mail)).status == 422
