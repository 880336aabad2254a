"""What one process learns or is told holds in the others within a second, by their own clocks; and what an account may
send holds for all of them together."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine_kit import CALLER, DOWN, TAKEN, World, accepted, account, all_ended, elapse, later, throttled
from everpost.model.account import CircuitState, Quota
from everpost.model.delivery import DeliveryState
from sim.virtual_loop import VirtualLoop

WITHIN_S = 1.0
ACCOUNTS = ("a", "b")
PHASES_S = st.floats(0.0, 2.0)  # how long before the change the other process has looked
OFTEN = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def replicas(stack, world, count=2):
    return [await stack.enter_async_context(world.running()) for _ in range(count)]


async def circuit_seen(engine):
    """What a process goes by, looking as it always does."""
    return (await engine._fleet.board()).standings["a"].circuit.state


def on_virtual_time(play):
    """Hypothesis makes its own loops."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(random.Random(1))) as runner:
        return runner.run(play)


@OFTEN
@given(PHASES_S)
def test_a_circuit_that_opens_in_one_process_spares_the_other_its_attempts_within_a_second(phase_s):
    async def play():
        world = World(*ACCOUNTS)
        async with AsyncExitStack() as stack:
            one, other = await replicas(stack, world)
            await circuit_seen(other)
            await elapse(phase_s)
            world.wire.script("a", DOWN)
            while await circuit_seen(one) is CircuitState.CLOSED:
                await accepted(one, wait_s=5.0)
            tries = world.wire.accounts().count("a")
            await elapse(WITHIN_S)
            seen = await circuit_seen(other)
            stored = await accepted(other, wait_s=5.0)
            return seen, stored.deliveries[0].account, world.wire.accounts().count("a") - tries

    assert on_virtual_time(play()) == (CircuitState.OPEN, "b", 0)


@OFTEN
@given(PHASES_S)
def test_a_default_that_is_set_in_one_process_holds_in_the_other_within_a_second(phase_s):
    async def play():
        world = World(*ACCOUNTS)
        async with AsyncExitStack() as stack:
            one, other = await replicas(stack, world)
            before = (await accepted(other, wait_s=5.0)).deliveries[0].account
            await elapse(phase_s)
            await one.console.set_default(CALLER, "b")
            await elapse(WITHIN_S)
            return before, (await accepted(other, wait_s=5.0)).deliveries[0].account

    assert on_virtual_time(play()) == ("a", "b")


@OFTEN
@given(PHASES_S)
def test_an_account_that_asked_one_process_for_a_pause_is_left_alone_by_the_other_within_a_second(phase_s):
    async def play():
        world = World(*ACCOUNTS)
        async with AsyncExitStack() as stack:
            one, other = await replicas(stack, world)
            await accepted(other, wait_s=5.0)
            await elapse(phase_s)
            world.wire.script("a", throttled(600), TAKEN)
            await accepted(one, wait_s=5.0)
            await elapse(WITHIN_S)
            return (await accepted(other, wait_s=5.0)).deliveries[0].account

    assert on_virtual_time(play()) == "b"


@pytest.mark.parametrize("processes", [1, 2, 5])
async def test_what_an_account_may_send_a_second_holds_for_all_processes_together(processes):
    world = World(account("a", quota=Quota(per_second=3)))
    async with AsyncExitStack() as stack:
        engines = await replicas(stack, world, processes)
        mails = await asyncio.gather(*(accepted(engines[number % processes]) for number in range(30)))
        ended = await all_ended(world, mails)
    seconds = Counter(int(request.at) for request in world.wire.sent)
    assert {delivery.state for delivery in ended} == {DeliveryState.SENT}
    assert max(seconds.values()) <= 3


@pytest.mark.parametrize("processes", [2, 5])
async def test_what_an_account_may_send_a_day_is_shared_to_the_last_mail(processes):
    world = World(account("a", quota=Quota(per_day=10)), account("b"))
    async with AsyncExitStack() as stack:
        engines = await replicas(stack, world, processes)
        world.wire.script("a", later(TAKEN, 0.2))
        mails = await asyncio.gather(*(accepted(engines[number % processes]) for number in range(25)))
        await all_ended(world, mails)
    assert Counter(world.wire.accounts()) == {"a": 10, "b": 15}
