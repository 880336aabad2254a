"""What the engine tells whoever counts, told by the figures that a server shows."""

from collections import Counter

import pytest

from engine_kit import BUSY, GONE, LATENCY_S, LOST, LOST_BUT_TAKEN, Troubled, accepted, elapse, later
from engine_kit import TAKEN as TAKEN_AT_ONCE
from everpost.engine.relay import IDLE_S_MAX, Relay
from everpost.entrypoints.metrics import Metrics
from everpost.model.event import EventType
from everpost.wakeup.memory import MemoryWakeup
from store_values import NOW

ATTEMPT = "everpost_attempt_duration_seconds"
DELAY = "everpost_hand_over_delay_seconds"


@pytest.fixture
def metrics(world):
    metrics = Metrics("0")
    world.observer = metrics.engine
    return metrics


@pytest.fixture
def figure(metrics):
    def figure(name, **labels):
        return metrics.registry.get_sample_value(name, labels)

    return figure


class Taken:
    name = "kept"
    buried = 0

    async def put(self, events):
        self.buried += len(events) // 2

    async def close(self): ...


class Sink(Troubled):
    name = "kept"

    @property
    def buried(self):
        return self._target.buried


async def test_every_attempt_is_counted_by_account_and_outcome_as_the_audit_trail_has_it(world, figure):
    world.wire.script("a", BUSY, LOST_BUT_TAKEN, BUSY, TAKEN_AT_ONCE)
    async with world.running() as engine:
        for stored in [await accepted(engine) for _ in range(8)]:
            await world.ended(stored)
    told = Counter((one.account, one.data["outcome"]) for one in await world.events() if "outcome" in one.data)
    assert len(told) >= 3
    assert {about: figure(f"{ATTEMPT}_count", account=about[0], outcome=about[1]) for about in told} == told


async def test_an_attempt_lasts_as_long_as_its_provider_takes(world, figure):
    world.wire.script("a", later(TAKEN_AT_ONCE, 3.0))
    async with world.running() as engine:
        await world.ended(await accepted(engine))
    assert figure(f"{ATTEMPT}_sum", account="a", outcome="accepted") == pytest.approx(3.0)
    assert figure(f"{ATTEMPT}_bucket", account="a", outcome="accepted", le="2.5") == 0
    assert figure(f"{ATTEMPT}_bucket", account="a", outcome="accepted", le="5.0") == 1


async def test_the_delay_of_a_hand_over_runs_from_acceptance_over_all_attempts(world, figure):
    world.wire.script("a", later(BUSY, 4.0))
    async with world.running() as engine:
        await world.ended(await accepted(engine))
    assert figure(f"{DELAY}_sum", account="b") == pytest.approx(4.0 + LATENCY_S)
    assert figure(f"{DELAY}_count", account="a") is None


async def test_the_delay_of_a_scheduled_mail_runs_from_its_time(world, figure):
    async with world.running() as engine:
        await world.ended(await accepted(engine, send_at=NOW + 1000.0), 2000.0)
    assert figure(f"{DELAY}_count", account="a") == 1
    assert figure(f"{DELAY}_sum", account="a") < 1.0


async def test_a_clock_that_was_set_back_makes_no_delay_below_nothing(world, figure):
    world.wire.script("a", later(TAKEN_AT_ONCE, 5.0))
    async with world.running() as engine:
        stored = await accepted(engine)
        world.clock.skew_s = -100.0
        await world.ended(stored)
    assert figure(f"{DELAY}_sum", account="a") == 0.0


@pytest.mark.parametrize(("reply", "verdict"), [(LOST_BUT_TAKEN, "found"), (LOST, "absent")])
async def test_the_end_of_a_question_is_counted_by_what_it_was(world, figure, reply, verdict):
    world.wire.script("a", reply, TAKEN_AT_ONCE)
    async with world.running() as engine:
        await world.ended(await accepted(engine))
    assert [each for each, _ in await world.verdicts()] == [verdict]
    assert figure("everpost_resolutions_total", account="a", verdict=verdict) == 1


async def test_the_loop_tells_whether_it_was_nudged_or_its_time_had_come(world, figure):
    async with world.running() as engine:
        await elapse(60.0)
        timed, nudged = (figure("everpost_wakeups_total", cause=cause) for cause in ("time", "nudge"))
        assert timed >= 10
        engine.ports.due.nudge()
        await elapse(0.01)
        assert figure("everpost_wakeups_total", cause="nudge") == nudged + 1


async def test_a_sink_is_counted_by_what_it_takes_and_by_its_failures(world, figure):
    sink = Sink(Taken())
    engine = world.engine()
    engine.add_relay(Relay(sink, engine.ports, MemoryWakeup(), lambda recorded: recorded.seq))
    async with world.running(engine):
        sink.fails["put"] = OSError("full")
        await world.ended(await accepted(engine))
        await elapse(1.0)
        failures = figure("everpost_sink_failures_total", sink="kept")
        assert failures == sink.called["put"] >= 1
        assert figure("everpost_sink_events_total", sink="kept") is None
        del sink.fails["put"]
        await elapse(60.0 + IDLE_S_MAX)
    events = len(await world.events())
    assert figure("everpost_sink_events_total", sink="kept") == events
    assert figure("everpost_sink_dead_letters_total", sink="kept") == sink.buried > 0


async def test_the_lag_of_a_sink_is_the_age_of_what_it_has_not_taken_whoever_relays(world):
    sink = Sink(Taken())
    engine, other = world.engine(), world.engine()
    for each in (engine, other):
        each.add_relay(Relay(sink, each.ports, MemoryWakeup(), lambda recorded: recorded.seq))
    sink.fails["put"] = GONE
    async with world.running(engine):
        await world.ended(await accepted(engine))
        await elapse(100.0)
        [first] = await world.events(EventType.ACCEPTED)
        expected = world.clock.now() - first.at
        assert (await other.console.standing()).sink_lags == {"kept": pytest.approx(expected)}
        del sink.fails["put"]
        await elapse(60.0 + IDLE_S_MAX)
        assert (await other.console.standing()).sink_lags == {"kept": 0.0}


async def test_how_things_stand_costs_the_same_however_many_mails_there_are(world):
    async with world.running() as engine:
        costs = []
        for _ in range(2):
            await elapse(10.0)  # what is known of the routes is old
            world.store.called.clear()
            await engine.console.standing()
            costs.append(+world.store.called)
            for stored in [await accepted(engine) for _ in range(20)]:
                await world.ended(stored)
    assert costs[0] == costs[1]
