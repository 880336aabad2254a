"""How an account that was down comes back."""

import pytest

from engine_kit import (
    DOWN,
    TAKEN,
    World,
    accepted,
    all_ended,
    elapse,
    later,
    many,
    picky,
)
from everpost.core.breaker import DEFAULT_POLICY


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
