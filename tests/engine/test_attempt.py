"""One request to one account, and what came of it on disk."""

import asyncio

import pytest
from msgspec.structs import replace

from engine_kit import (
    BAD_KEY,
    BUSY,
    DOWN,
    GONE,
    LOST,
    PROVIDER,
    REJECTED,
    TAKEN,
    TOO_LARGE,
    TOO_LATE,
    World,
    accepted,
    elapse,
    later,
    status,
    throttled,
)
from everpost.engine.attempt import DEFAULT_THROTTLE_S
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.outcome import Kind, Outcome
from store_values import NOW

SECRET = "carol@mail.example.org"


async def health_after(world, *replies):
    """What is known of account a after mails that were answered like this."""
    for reply in replies:
        world.wire.script("a", reply)
        async with world.running() as engine:
            await accepted(engine)
            await elapse(0.5)
    return (await world.health.board()).get("a")


@pytest.mark.parametrize("reply", [TAKEN, REJECTED, TOO_LARGE])
async def test_an_answer_about_the_mail_shows_that_the_account_works(world, reply):
    known = await health_after(world, reply)
    assert (known.failures, known.ok_at) == (0, pytest.approx(NOW, abs=1.0))


@pytest.mark.parametrize("reply", [DOWN, BUSY, LOST, status(500)])
async def test_no_trustworthy_answer_is_a_failure_of_the_account(world, reply):
    known = await health_after(world, reply)
    assert (known.failures, known.fault_at) == (1, None)
    assert known.last_error


async def test_a_fault_of_the_account_is_told_as_such(world):
    known = await health_after(world, BAD_KEY)
    assert (known.failures, known.fault_at) == (1, pytest.approx(NOW, abs=1.0))


@pytest.mark.parametrize(("reply", "wait_s"), [(throttled(7), 7.0), (status(429), DEFAULT_THROTTLE_S)])
async def test_a_throttled_account_is_blocked_for_as_long_as_it_said_or_a_while(world, reply, wait_s):
    known = await health_after(world, reply)
    assert known.blocked_until == pytest.approx(NOW + wait_s, abs=0.2)
    assert known.failures == 0


async def test_a_delay_of_our_own_says_nothing_about_the_account(world):
    assert await health_after(world, TOO_LATE) is None


async def test_what_is_kept_of_a_providers_words_names_no_recipient():
    def read(answer, account):
        return Outcome(kind=Kind.UNAVAILABLE, status=503, text=f"mailbox <{SECRET}> is busy " + "x" * 1000)

    world = World("a", provider=replace(PROVIDER, read=read))
    async with world.running() as engine:
        mails = [await accepted(engine) for _ in range(10)]
        await elapse(200.0)
        kept = [await world.delivery(stored) for stored in mails]
        events = await world.events()
        known = await world.health.board()
    assert EventType.ACCOUNT_OPENED in {event.type for event in events}
    for trace in (kept, events, known):
        assert "is busy" in repr(trace)
        assert "carol" not in repr(trace)
        assert "mail.example" not in repr(trace)
    assert len(known["a"].last_error) <= 500


async def test_a_request_that_breaks_the_wire_or_the_provider_file_is_unknown_and_resolved():
    def read(answer, account):
        if answer.status == 418:
            raise RuntimeError("a bug")
        return PROVIDER.read(answer, account)

    world = World("a", provider=replace(PROVIDER, read=read))
    world.wire.script("a", status(418, takes=True), TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=10.0)
    assert stored.deliveries[0].state is DeliveryState.SENT
    assert len(world.wire.sent) == 1
    [uncertain] = await world.events(EventType.UNCERTAIN)
    assert uncertain.data["text"] == "a fault of Everpost: RuntimeError"


# --- an answer that comes after its lease ----------------------------------------------------------------------------


async def past_its_lease(world, engine):
    """A mail that is on its way in this process, while another one believes that its lease has ended."""
    stored = await accepted(engine)
    await elapse(1.0)
    world.clock.skew_s = 100.0
    return stored


@pytest.mark.parametrize(
    ("reply", "state"), [(TAKEN, DeliveryState.SENT), (REJECTED, DeliveryState.FAILED), (DOWN, DeliveryState.SENT)]
)
async def test_an_answer_that_comes_after_the_lease_is_as_good_as_any(world, reply, state):
    world.wire.script("a", later(reply, 30.0))
    world.wire.script_lookups("a", status(404))
    async with world.running() as engine:
        stored = await past_its_lease(world, engine)
        async with world.running():
            await elapse(10.0)
            assert (await world.delivery(stored)).state is DeliveryState.UNCERTAIN
            assert (await world.ended(stored, 25.0)).state is state
    assert world.wire.accounts() == (["a", "b"] if reply is DOWN else ["a"])


async def test_an_answer_about_an_attempt_that_was_followed_by_another_changes_nothing(world):
    world.wire.script("a", later(BUSY, 200.0), TAKEN)
    world.wire.script_lookups("a", status(404))
    async with world.running() as engine:
        stored = await past_its_lease(world, engine)
        async with world.running():
            one = await world.ended(stored)
            await elapse(200.0)
    assert (one.state, one.account) == (DeliveryState.SENT, "b")
    assert await world.delivery(stored) == one


# --- outcomes on their way to the disk -------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["refuses", "forgets"])
async def test_an_outcome_is_stored_as_soon_as_the_store_takes_it(world, trouble):
    async with world.running() as engine:
        world.store.fails["advance"] = GONE
        world.store.forgets = trouble == "forgets"  # it has done what it says that it has not
        stored = await accepted(engine)
        await elapse(30.0)
        world.store.fails.clear()
        assert (await world.ended(stored)).state is DeliveryState.SENT
        await elapse(5.0)
        assert engine._deliverer._active() == 0
    types = [event.type for event in await world.events()]
    assert types == [EventType.ACCEPTED, EventType.ATTEMPTED, EventType.SENT]


async def test_an_outcome_that_breaks_the_store_leaves_a_question_and_stops_nothing(world):
    async with world.running() as engine:
        world.store.fails["advance"] = RuntimeError("a bug")
        stored = await accepted(engine)
        await elapse(1.0)
        world.store.fails.clear()
        assert (await accepted(engine, wait_s=5.0)).deliveries[0].state is DeliveryState.SENT
        assert (await world.ended(stored)).state is DeliveryState.SENT
    assert len(world.wire.sent) == 2
    assert "unknown" in [outcome for _, outcome in await world.attempts(stored)]


async def test_outcomes_that_come_together_are_stored_together(world):
    world.wire.script("a", later(TAKEN, 1.0))
    async with world.running() as engine:
        mails = await asyncio.gather(*(accepted(engine) for _ in range(30)))
        for stored in mails:
            await world.ended(stored)
    assert world.store.called["advance"] < 10


async def test_good_news_of_an_account_that_come_together_are_told_as_one(world):
    world.wire.script("a", later(TAKEN, 1.0))
    async with world.running() as engine:
        for stored in await asyncio.gather(*(accepted(engine) for _ in range(30))):
            await world.ended(stored)
        await elapse(0.1)
    assert world.health.called["record"] < 10
    assert sum(bucket.ok for bucket in (await world.health.board())["a"].buckets) == 30
