"""An account that accepts mail and loses it is found out by its provider's records; one that works is left alone."""

from itertools import pairwise

import pytest

from engine_kit import CALLER, LOST_BUT_TAKEN, World, accepted, draft, elapse
from everpost.core import confirming
from everpost.core.confirming import DEFAULT_POLICY, SAMPLE_S
from everpost.engine.confirm import GAP_S
from everpost.model.account import CircuitState
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.limits import CONFIRMING_MAX, MISSING_MAX
from everpost.model.message import Address
from everpost.providers.contract import Lookup
from everpost.wiring import PROVIDERS
from records_kit import carried, lognormal, world_of
from store_values import NOW

DETECTED_S = 300.0  # the promise, at one mail a second
providers = pytest.mark.parametrize("provider", ["sendgrid", "mailgun"])
_numbers = iter(range(10**9))


async def mails(engine, seconds, every_s=1.0):
    """One at a time, each to somebody else."""
    for _ in range(round(seconds / every_s)):
        await accepted(engine, to=(Address(f"bob{next(_numbers)}@example.org"),))
        await elapse(every_s)


async def circuit(engine, name="a"):
    return (await engine._fleet.board()).standings[name].circuit


async def records(world, name="a"):
    return (await world.health.board())[name].records


async def told(world, *types):
    return [event for event in await world.events() if event.type in types]


async def detected_after(world, engine, every_s=1.0):
    """Seconds of traffic until the account is in doubt."""
    began_at = world.clock.now()
    while not (await circuit(engine)).unconfirmed:
        await mails(engine, every_s, every_s)
        assert world.clock.now() - began_at < 3 * DETECTED_S
    return world.clock.now() - began_at


# --- a grey outage ---------------------------------------------------------------------------------------------------


@providers
@pytest.mark.parametrize(("median_s", "p99_s"), [(2.0, 20.0), (20.0, 60.0)], ids=["prompt", "slow"])
async def test_mail_that_is_accepted_and_lost_is_detected_within_five_minutes(provider, median_s, p99_s):
    """Mailgun, 23 March 2016: 2xx, but never stored."""
    world = world_of(provider, "a", "b")
    for one in world.wire.of.values():
        one.lag_s = lognormal(one.rng, median_s, p99_s)
    async with world.running() as engine:
        await mails(engine, 1200)
        assert carried(world) == {"a": 1200, "b": 0}
        world.wire.of["a"].losing = 1.0
        lost_since = world.clock.now()
        assert await detected_after(world, engine) <= DETECTED_S
        [event] = await told(world, EventType.ACCOUNT_UNCONFIRMED)
        assert lost_since - 2 * SAMPLE_S <= event.data["since_at"] <= lost_since
        before = carried(world)
        await mails(engine, 300)
        shares = carried(world) - before
        assert 0 < shares["a"] <= 300 * 3 * DEFAULT_POLICY.share  # what it is watched by
        assert shares["b"] == 300 - shares["a"]
    assert (event.account, event.data["reason"]) == ("a", confirming.REASON)


@providers
async def test_most_of_the_mail_being_lost_is_detected_as_well(provider):
    world = world_of(provider, "a", "b")
    async with world.running() as engine:
        await mails(engine, 600)
        world.wire.of["a"].losing = 0.85
        assert await detected_after(world, engine) <= 3 * DETECTED_S


async def test_it_is_detected_while_most_questions_get_no_answer():
    world = world_of("mailgun", "a", "b")
    async with world.running() as engine:
        await mails(engine, 600)
        world.wire.of["a"].losing = 1.0
        world.wire.of["a"].deaf = 0.3
        assert await detected_after(world, engine) <= 3 * DETECTED_S


@providers
async def test_a_mail_whose_absence_is_certain_is_told_by_name_and_stays_sent(provider):
    world = world_of(provider, "a", "b")
    async with world.running() as engine:
        await mails(engine, 300)
        world.wire.of["a"].losing = 1.0
        await mails(engine, 300)
        await elapse(2 * PROVIDERS[provider].resolve.lag_s + 600)
        lost = {event.delivery_id: event for event in await told(world, EventType.UNCONFIRMED)}
        assert lost.keys() <= world.wire.of["a"].inbox.lost.keys()
        assert len(lost) >= DEFAULT_POLICY.absent
        for delivery_id, event in lost.items():
            assert (await world.store.find_delivery(delivery_id)).state is DeliveryState.SENT
            assert (event.account, event.project, event.message_id) == ("a", CALLER.project, delivery_id[:-2])
            assert event.data["after_s"] >= 2 * PROVIDERS[provider].resolve.lag_s
    assert not world.wire.of["b"].inbox.taken.keys() & lost.keys()


@providers
async def test_the_account_is_shut_when_absence_is_certain_and_comes_back_by_a_probe_that_shows(provider):
    world = world_of(provider, "a")
    proof_s = 2 * PROVIDERS[provider].resolve.lag_s
    async with world.running() as engine:
        await mails(engine, 300)
        world.wire.of["a"].losing = 1.0
        await detected_after(world, engine)
        assert (await circuit(engine)).state is CircuitState.CLOSED  # there is no other account
        await mails(engine, proof_s + 300, 10.0)
        assert (await circuit(engine)).state is not CircuitState.CLOSED
        before = carried(world)["a"]
        await mails(engine, 1500, 10.0)
        assert carried(world)["a"] - before <= 1500 / DEFAULT_POLICY.open_s + 1
        assert (await circuit(engine)).unconfirmed
        world.wire.of["a"].losing = 0.0
        await mails(engine, DEFAULT_POLICY.open_s + 200, 5.0)
        found = await circuit(engine)
        assert (found.state, found.share, found.unconfirmed) == (CircuitState.CLOSED, 1.0, False)
    kinds = EventType.ACCOUNT_UNCONFIRMED, EventType.ACCOUNT_OPENED, EventType.ACCOUNT_CLOSED
    happened = [event.type for event in await told(world, *kinds, EventType.ACCOUNT_CONFIRMED)]
    assert happened == [*kinds, EventType.ACCOUNT_CONFIRMED]


async def test_every_time_that_it_is_shut_is_told():
    world = world_of("sendgrid", "a")
    async with world.running() as engine:
        for losing in (0.0, 1.0, 0.0, 1.0, 0.0):
            world.wire.of["a"].losing = losing
            await mails(engine, 1200, SAMPLE_S)
    happened = [event.type for event in await told(world, EventType.ACCOUNT_OPENED, EventType.ACCOUNT_CLOSED)]
    assert happened == [EventType.ACCOUNT_OPENED, EventType.ACCOUNT_CLOSED] * 2


@providers
async def test_an_account_in_doubt_comes_back_when_its_records_show_new_mail(provider):
    world = world_of(provider, "a", "b")
    async with world.running() as engine:
        await mails(engine, 300)
        world.wire.of["a"].losing = 1.0
        await detected_after(world, engine)
        world.wire.of["a"].losing = 0.0
        await mails(engine, 600)
        assert not (await circuit(engine)).unconfirmed
        before = carried(world)
        await mails(engine, 60)
        assert carried(world) - before == {"a": 60}
    assert len(await told(world, EventType.ACCOUNT_UNCONFIRMED, EventType.ACCOUNT_CONFIRMED)) == 2


async def test_several_processes_find_it_out_together_and_tell_it_once():
    world = world_of("sendgrid", "a", "b")
    async with world.running() as first, world.running() as second:
        for _ in range(60):
            await mails(first, 5)
            await mails(second, 5)
        world.wire.of["a"].losing = 1.0
        for _ in range(30):
            await mails(first, 5)
            await mails(second, 5)
        assert (await circuit(first)).unconfirmed
        assert (await circuit(second)).unconfirmed
    assert len(await told(world, EventType.ACCOUNT_UNCONFIRMED)) == 1


async def test_what_was_learned_outlives_the_process():
    world = world_of("mailgun", "a", "b")
    async with world.running() as engine:
        await mails(engine, 600)
    world.wire.of["a"].losing = 1.0
    async with world.running() as engine:
        assert await detected_after(world, engine) <= DETECTED_S


# --- no false alarm --------------------------------------------------------------------------------------------------


@providers
@pytest.mark.parametrize(("median_s", "p99_s"), [(2.0, 30.0), (20.0, 120.0), (60.0, 240.0)])
async def test_hours_of_healthy_traffic_with_lagging_records_raise_no_doubt(provider, median_s, p99_s):
    world = world_of(provider, "a", "b")
    one = world.wire.of["a"]
    one.lag_s = lognormal(one.rng, median_s, p99_s)
    one.deaf, one.losing = 0.1, 1 / 128  # as was measured of several providers
    async with world.running() as engine:
        await mails(engine, 3 * 3600, SAMPLE_S)
    assert await told(world, EventType.ACCOUNT_UNCONFIRMED, EventType.ACCOUNT_OPENED) == []
    assert (await records(world)).shown > 200
    assert carried(world)["b"] == 0


@providers
async def test_records_that_have_become_late_shut_nothing(provider):
    """They show nothing for as long as they may take: the account is in doubt and still takes what no other can."""
    world = world_of(provider, "a")
    lag_s = PROVIDERS[provider].resolve.lag_s
    async with world.running() as engine:
        await mails(engine, 600, SAMPLE_S)
        world.wire.of["a"].lag_s = lambda: lag_s
        await mails(engine, 4 * lag_s, SAMPLE_S)
        assert (await circuit(engine)).state is CircuitState.CLOSED
        world.wire.of["a"].lag_s = lambda: 2.0
        await mails(engine, 600, SAMPLE_S)
        assert not (await circuit(engine)).unconfirmed
    assert await told(world, EventType.ACCOUNT_OPENED, EventType.UNCONFIRMED) == []
    assert carried(world)["a"] == (1200 + 4 * lag_s) / SAMPLE_S  # it carried all


@providers
async def test_an_account_whose_records_have_never_shown_a_mail_is_left_alone(provider, caplog):
    """Its key may see another part of them, or they are switched off."""
    world = world_of(provider, "a", "b")
    world.wire.of["a"].losing = 1.0
    async with world.running() as engine:
        await mails(engine, 2.2 * PROVIDERS[provider].resolve.lag_s + 600, SAMPLE_S)
        assert (await records(world)).absent > DEFAULT_POLICY.absent
        assert not (await circuit(engine)).unconfirmed
    assert carried(world)["b"] == 0
    assert await told(world, EventType.UNCONFIRMED) == []
    assert [each.message for each in caplog.records].count("its records have never shown a mail") == 1


async def test_questions_without_an_answer_never_count_and_become_rare():
    world = world_of("sendgrid", "a", "b")
    async with world.running() as engine:
        await mails(engine, 600, 5.0)
        world.wire.of["a"].deaf = 1.0
        before = len(world.wire.of["a"].asked)
        await mails(engine, 3 * 3600, 30.0)
        assert not (await circuit(engine)).unconfirmed
    assert 5 <= len(world.wire.of["a"].asked) - before <= 20
    assert carried(world)["b"] == 0


async def test_mail_with_options_of_the_providers_own_tells_nothing():
    """They may ask for a test or for a later time."""
    world = world_of("sendgrid", "a")
    options = {"sendgrid": {"mail_settings": {"sandbox_mode": {"enable": True}}}}
    async with world.running() as engine:
        for _ in range(20):
            acceptance = await engine.acceptor.accept(draft(provider_options=options), CALLER)
            assert acceptance.stored
            await elapse(SAMPLE_S)
    assert world.wire.of["a"].asked == []


async def test_a_verdict_lapses_when_nobody_can_look_any_more():
    """Else a key that may no longer read would shut an account for ever."""
    world = world_of("sendgrid", "a")
    async with world.running() as engine:
        await mails(engine, 300)
        world.wire.of["a"].losing = 1.0
        await mails(engine, 1200, 5.0)
        assert (await circuit(engine)).state is not CircuitState.CLOSED
        world.wire.of["a"].deaf, world.wire.of["a"].losing = 1.0, 0.0
        await mails(engine, DEFAULT_POLICY.forget_s + 300, 60.0)
        found = await circuit(engine)
        assert (found.state, found.unconfirmed) == (CircuitState.CLOSED, False)


# --- what it costs ---------------------------------------------------------------------------------------------------


@providers
@pytest.mark.parametrize("losing", [0.0, 1.0])
async def test_an_account_is_asked_rarely_whatever_it_carries(provider, losing):
    world = world_of(provider, "a", "b")
    async with world.running() as engine:
        await mails(engine, 200)
        world.wire.of["a"].losing = losing
        before = len(world.wire.of["a"].asked)
        await mails(engine, 200, 0.1)
        asked = world.wire.of["a"].asked[before:]
        requests = 2 if provider == "sendgrid" else 1  # for one question
        assert len(asked) <= 200 / (GAP_S if losing else SAMPLE_S) * requests + 2
        watch = engine._deliverer._confirmer._watches["a"]
        assert len(watch.samples) <= CONFIRMING_MAX


async def test_questions_to_an_account_keep_their_distance():
    """Though many mails are due to be looked for when nothing shows up."""
    world = world_of("mailgun", "a")
    async with world.running() as engine:
        await mails(engine, 200, SAMPLE_S)
        world.wire.of["a"].losing = 1.0
        await mails(engine, 1000, SAMPLE_S)
        asked = world.wire.of["a"].asked
        assert len(asked) > 100
        assert min(later - earlier for earlier, later in pairwise(asked)) >= GAP_S
        watch = engine._deliverer._confirmer._watches["a"]
        assert sum(sample.is_missing for sample in watch.samples) == MISSING_MAX


async def test_mail_that_its_records_have_shown_already_is_not_looked_for_again():
    """Its answer was lost, and it was found when that was resolved."""
    world = World("a")
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(100.0)
        assert (await world.delivery(stored)).state is DeliveryState.SENT
    assert len(world.wire.asked) == 1


async def test_the_first_mail_of_an_account_after_a_failover_is_always_looked_for():
    world = world_of("sendgrid", "a", "b")
    async with world.running() as engine:
        await mails(engine, 30)
        await engine.console.set_default(CALLER, "b")
        stored = await accepted(engine)
        await elapse(60)
    assert {look.mail for look in (await records(world, "b")).looks} == {f"{stored.message.id}.0"}


async def test_an_account_that_nobody_can_ask_about_is_not_watched():
    world = world_of("sendgrid", "a")
    world.provider = PROVIDERS["smtp"]
    assert not isinstance(PROVIDERS["smtp"].resolve, Lookup)
    assert world.engine()._deliverer._confirmer._watches == {}


async def test_trouble_with_the_store_costs_a_look_and_no_more():
    world = world_of("sendgrid", "a")
    async with world.running() as engine:
        await mails(engine, 100)
        world.store.fails["get_message"] = RuntimeError("a bug")
        await elapse(100)
        world.store.fails.clear()
        await mails(engine, 300)
    assert (await records(world)).shown >= 10
    assert (await records(world)).looked_at > NOW
