"""The way of a mail from the queue to a provider."""

import asyncio

import pytest
from msgspec.structs import replace

from engine_kit import (
    BAD_KEY,
    BUSY,
    CALLER,
    DOWN,
    GONE,
    LOST_BUT_TAKEN,
    REJECTED,
    TAKEN,
    TOO_LARGE,
    World,
    accepted,
    account,
    elapse,
    later,
    picky,
    throttled,
)
from everpost.core.breaker import DEFAULT_POLICY
from everpost.core.decide import WAIT_S_MAX
from everpost.engine.deliver import BLOCKED_ROOM, CLAIM_LEASE_S, IDLE_S_MAX, WAITING_MAX
from everpost.health.port import HealthUnavailable
from everpost.model.account import Quota
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.limits import ACTIVE_MAX
from everpost.model.message import Address
from everpost.store.port import Stored, Suppression
from sim.world import PROVIDER
from store_values import NOW

SENT, FAILED, QUEUED = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.QUEUED


async def many(engine, count, **fields):
    return [await accepted(engine, **fields) for _ in range(count)]


async def all_ended(world, mails):
    return [await world.ended(stored, 10_000.0) for stored in mails]


# --- failover --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (DOWN, "unavailable"),
        (BUSY, "unavailable"),
        (throttled(60), "throttled"),
        (BAD_KEY, "refused"),
        (TOO_LARGE, "refused"),
    ],
)
async def test_what_an_account_has_certainly_not_taken_goes_to_the_next_one_at_once(world, reply, outcome):
    world.wire.script("a", reply)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
        assert world.clock.monotonic() < 0.5
    assert (stored.deliveries[0].state, stored.deliveries[0].account) == (SENT, "b")
    assert await world.attempts(stored) == [("a", outcome), ("b", "accepted")]


async def test_what_a_provider_rejects_is_not_offered_to_another_one(world):
    world.wire.script("a", REJECTED)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
    assert stored.deliveries[0].state is FAILED
    assert world.wire.accounts() == ["a"]


async def test_what_may_have_been_taken_is_not_sent_elsewhere(world):
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
    assert (stored.deliveries[0].state, stored.deliveries[0].account) == (SENT, "a")
    assert world.wire.accounts() == ["a"]


async def test_after_a_round_in_vain_every_account_is_tried_again_a_little_later(world):
    for name in "ab":
        world.wire.script(name, DOWN, TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine)
        await world.ended(stored)
    assert world.wire.accounts() == ["a", "b", "a"]
    first, _, third = world.wire.sent
    assert 1.0 <= third.at - first.at <= 2.5  # the pause of the first round, and not the sleep of an idle loop


async def test_a_fault_of_the_account_opens_its_circuit_and_others_carry_all_mail(world):
    world.wire.script("a", BAD_KEY)
    async with world.running() as engine:
        first = await accepted(engine, wait_s=30.0)
        mails = await many(engine, 20)
        await all_ended(world, mails)
    assert await world.attempts(first) == [("a", "refused"), ("b", "accepted")]
    assert world.wire.accounts().count("a") == 1
    [opened] = await world.events(EventType.ACCOUNT_OPENED)
    assert opened.account == "a"


async def test_mails_at_fault_never_open_a_circuit(world):
    async with world.running() as engine:
        for reply in (REJECTED, TOO_LARGE):
            world.wire.script("a", reply)
            await all_ended(world, await many(engine, 30))
    assert world.wire.accounts().count("a") == 60
    assert await world.events(EventType.ACCOUNT_OPENED) == []


async def test_a_throttled_account_is_left_alone_for_as_long_as_it_wants(world):
    world.wire.script("a", throttled(100), TAKEN)
    async with world.running() as engine:
        await accepted(engine, wait_s=30.0)
        await elapse(99.0)
        assert (await accepted(engine, wait_s=30.0)).deliveries[0].account == "b"
        await elapse(2.0)
        assert (await accepted(engine, wait_s=30.0)).deliveries[0].account == "a"


async def test_a_mail_that_every_account_refuses_for_good_fails(world):
    for name in "ab":
        world.wire.script(name, TOO_LARGE)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=30.0)
    assert stored.deliveries[0].state is FAILED
    assert stored.deliveries[0].reason.startswith("no account will take it (a: it has refused this mail for good; b:")


async def test_an_account_whose_provider_can_not_express_the_mail_is_skipped_with_the_reason():
    world = World("a", "b", provider=picky("odd", accounts={"a"}))
    async with world.running() as engine:
        stored = await accepted(engine, subject="odd", wait_s=30.0)
    assert stored.deliveries[0].account == "b"
    [attempted] = await world.events(EventType.ATTEMPTED)
    assert attempted.data["skipped"] == [{"account": "a", "reason": "it can't say odd"}]


# --- nobody can take it ----------------------------------------------------------------------------------------------


async def test_while_every_account_is_blocked_a_mail_stays_queued_and_the_reason_is_told_once(world):
    for name in "ab":
        world.wire.script(name, throttled(3600))
    async with world.running() as engine:
        await accepted(engine)
        await elapse(10.0)
        late = await accepted(engine)
        await elapse(1800.0)
        one = await world.delivery(late)
        told = [event for event in await world.events(EventType.DEFERRED) if event.delivery_id == one.id]
    assert one.state is QUEUED
    assert one.reason == "a: it is throttled: throttled 429; b: it is throttled: throttled 429"
    [event] = told
    assert (event.data["reason"], event.account) == (one.reason, None)
    assert len(world.wire.sent) == 2


async def test_the_reason_is_told_once_although_probe_after_probe_fails():
    world = World("a")
    world.wire.script("a", DOWN)
    async with world.running() as engine:
        mails = await many(engine, 20)
        await elapse(3600.0)
        events = await world.events(EventType.DEFERRED)
    for stored in mails:
        told = [event.data for event in events if event.message_id == stored.message.id]
        waits = [data["reason"] for data in told if "outcome" not in data]
        attempts = len(told) - len(waits)
        assert len(waits) <= 2 * attempts + 1  # a round in vain, and why it waits from then on


async def test_mail_that_waited_goes_out_when_an_account_works_again(world):
    for name in "ab":
        world.wire.script(name, DOWN)
    async with world.running() as engine:
        mails = await many(engine, 50)
        await elapse(600.0)
        world.wire.script("b", TAKEN)
        await elapse(DEFAULT_POLICY.open_s_max + 2 * WAIT_S_MAX)
        states = {(await world.delivery(stored)).state for stored in mails}
    assert states == {SENT}
    assert set(world.wire.taken.values()) == {1}


async def test_a_mail_that_expires_while_it_waits_fails_then(world):
    for name in "ab":
        world.wire.script(name, throttled(3600))
    async with world.running() as engine:
        stored = await accepted(engine, expires_at=NOW + 100)
        await elapse(90.0)
        assert (await world.delivery(stored)).state is QUEUED
        await elapse(15.0)
        one = await world.delivery(stored)
    assert one.state is FAILED
    assert one.reason.startswith("it expired before any account took it (a: it is throttled")
    [failed] = await world.events(EventType.FAILED)
    assert failed.data["code"] == "expired"


async def test_a_quota_is_used_up_to_its_last_recipient_and_no_further():
    world = World(account("a", quota=Quota(per_day=10)), "b")
    async with world.running() as engine:
        mails = await many(engine, 15, to=(Address("bob@example.org"), Address("ann@example.org")))
        await all_ended(world, mails)
    assert world.wire.accounts().count("a") == 5
    assert world.wire.accounts().count("b") == 10


async def test_two_processes_share_a_quota():
    world = World(account("a", quota=Quota(per_day=10)), "b")
    async with world.running() as first, world.running() as second:
        mails = [*await many(first, 15), *await many(second, 15)]
        await all_ended(world, mails)
    assert world.wire.accounts().count("a") == 10


async def test_a_mail_waits_for_the_next_second_of_a_rate():
    world = World(account("a", quota=Quota(per_second=5)))
    async with world.running() as engine:
        await all_ended(world, await many(engine, 12))
    per_second = [int(request.at) for request in world.wire.sent]
    assert max(map(per_second.count, per_second)) <= 5


# --- what must not go out --------------------------------------------------------------------------------------------


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
    assert built == [["carol@example.org"]]
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
        cancelled = await engine.console.cancel(CALLER, stored.message.id)
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
        await engine.console.cancel(CALLER, second.message.id)
        await world.ended(first)
        third = await accepted(engine)
        await world.ended(third)
    assert [request.delivery for request in world.wire.sent] == [f"{one.message.id}.0" for one in (first, third)]


# --- how much at a time ----------------------------------------------------------------------------------------------


async def test_an_account_never_has_more_requests_open_than_it_allows():
    world = World(account("a", max_concurrency=7), account("b", max_concurrency=3))
    world.wire.script("a", *[later(BUSY, 0.3)] * 4, later(TAKEN, 0.3))
    async with world.running() as engine:
        mails = await many(engine, 200)
        await all_ended(world, mails)
    assert world.wire.most["a"] == 7
    assert world.wire.most["b"] <= 3
    assert len(world.wire.taken) == 200


async def test_the_queue_is_claimed_only_as_far_as_there_is_room():
    world = World(account("a", max_concurrency=5))
    idle = world.engine()
    for _ in range(300):
        await accepted(idle)
    world.wire.script("a", later(TAKEN, 4.0))
    async with world.running():
        await elapse(1.0)
        waiting = (await world.store.claim_due(world.clock.now(), 0.0, 1000)).claimed
    assert len(waiting) == 300 - 5 - WAITING_MAX


async def test_while_all_accounts_are_blocked_only_a_few_deliveries_are_looked_at(world):
    for name in "ab":
        world.wire.script(name, throttled(3600))
    async with world.running() as engine:
        await accepted(engine)
        await elapse(5.0)
        mails = await many(engine, 100)
        await elapse(4.6)
        looked_at = [one for one in mails if (await world.delivery(one)).version]
    assert 4 * BLOCKED_ROOM <= len(looked_at) <= 5 * BLOCKED_ROOM


async def test_a_process_that_is_full_leaves_fresh_mail_to_the_queue():
    world = World(account("a", max_concurrency=1))
    world.wire.script("a", later(TAKEN, 4.0))
    async with world.running() as engine:
        mails = await many(engine, ACTIVE_MAX + 10)
        now = world.clock.now()
        born_claimed = [stored for stored in mails if stored.deliveries[0].due_at > now + 5]
    assert len(born_claimed) == ACTIVE_MAX


async def test_a_claim_that_is_about_to_end_is_given_up():
    world = World(account("a", max_concurrency=1))
    world.wire.script("a", later(TAKEN, CLAIM_LEASE_S - 1.0), TAKEN)
    async with world.running() as engine:
        first, second = await many(engine, 2)
        assert (await world.ended(first)).state is SENT
        one = await world.delivery(second)
        assert (one.state, one.version) == (QUEUED, 0)  # its lease has a second left: nobody begins with that
        assert (await world.ended(second)).version > 2  # it was claimed anew
    assert set(world.wire.taken.values()) == {1}


async def test_a_fresh_mail_that_nobody_could_look_at_in_time_is_claimed_anew():
    world = World(account("a", quota=Quota(per_day=10)))
    async with world.running() as engine:
        await elapse(1.0)  # what is known of the accounts has to be read anew
        world.store.fails["usage"] = GONE
        stored = await accepted(engine)
        await elapse(CLAIM_LEASE_S - 2.5)
        world.store.fails.clear()
        await elapse(1.5)
        assert (await world.delivery(stored)).version == 0
        assert (await world.ended(stored)).version > 2
    assert len(world.wire.sent) == 1


async def test_while_an_account_hangs_the_rest_of_the_queue_is_still_looked_at():
    world = World(account("a", max_concurrency=1))
    idle = world.engine()
    mails = await many(idle, 3 * WAITING_MAX)
    last = await accepted(idle, expires_at=NOW + 60)
    world.wire.script("a", later(TAKEN, 300.0), TAKEN)
    async with world.running():
        await elapse(150.0)
        assert (await world.delivery(last)).state is FAILED
        await all_ended(world, mails)
    assert set(world.wire.taken.values()) == {1}


async def test_mail_of_a_process_that_died_is_taken_up_when_its_claim_ends(world):
    world.store.slow_s["begin"] = 1e6
    dead = asyncio.create_task((engine := world.engine()).run(asyncio.Event()))
    await elapse(0.01)
    stored = await accepted(engine)
    await elapse(1.0)
    dead.cancel()
    world.store.slow_s.clear()
    async with world.running():
        assert (await world.ended(stored, CLAIM_LEASE_S + IDLE_S_MAX)).state is SENT
    assert len(world.wire.sent) == 1


# --- trouble with the store ------------------------------------------------------------------------------------------


async def test_no_byte_goes_out_for_an_intent_that_is_not_on_disk(world):
    async with world.running() as engine:
        world.store.fails["begin"] = GONE
        stored = await accepted(engine)
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


# --- an account that comes back --------------------------------------------------------------------------------------


async def down_for(world, engine, seconds):
    """Account a fails for so long, while b carries everything."""
    world.wire.script("a", DOWN)
    until = world.clock.monotonic() + seconds
    while world.clock.monotonic() < until:
        await accepted(engine)
        await elapse(1.0)


async def test_one_mail_at_a_time_probes_an_account_that_was_down(world):
    async with world.running() as engine:
        await down_for(world, engine, 100.0)
        await elapse(300.0)
        world.wire.script("a", later(TAKEN, 3.0))
        before = len(world.wire.sent)
        mails = await many(engine, 20)
        await elapse(2.0)
        probes = world.wire.accounts()[before:].count("a")
        await all_ended(world, mails)
    assert probes == 1


async def test_two_processes_probe_an_account_together_once(world):
    async with world.running() as first, world.running() as second:
        await down_for(world, first, 100.0)
        await elapse(300.0)
        world.wire.script("a", later(TAKEN, 3.0))
        before = len(world.wire.sent)
        mails = [*await many(first, 10), *await many(second, 10)]
        await elapse(2.0)
        probes = world.wire.accounts()[before:].count("a")
        await all_ended(world, mails)
    assert probes == 1


async def test_a_mail_that_can_not_go_there_does_not_take_the_probe():
    world = World("a", "b", provider=picky("odd", accounts={"a"}))
    async with world.running() as engine:
        await down_for(world, engine, 100.0)
        await elapse(300.0)
        world.wire.script("a", TAKEN)
        assert (await accepted(engine, subject="odd", wait_s=5.0)).deliveries[0].account == "b"
        assert (await accepted(engine, wait_s=5.0)).deliveries[0].account == "a"


async def test_after_an_outage_the_share_of_an_account_grows_until_it_carries_all_again(world):
    async with world.running() as engine:
        await down_for(world, engine, 400.0)
        world.wire.script("a", TAKEN)
        await elapse(DEFAULT_POLICY.open_s_max)
        while (await accepted(engine, wait_s=5.0)).deliveries[0].account != "a":
            await elapse(0.1)
        shares = []
        for _ in range(6):
            before = len(world.wire.sent)
            for _ in range(600):
                await accepted(engine)
                await elapse(0.1)
            shares.append(world.wire.accounts()[before:].count("a") / 600)
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.1 + 0.9 * 30 / 300, abs=0.05)
    assert shares[2] == pytest.approx(0.1 + 0.9 * 150 / 300, abs=0.06)
    assert shares[-1] == 1.0
