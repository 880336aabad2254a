"""One process at a time: a lease that rests on no two clocks being alike."""

import asyncio

import pytest

from engine_kit import GONE, Clock, Troubled, elapse
from everpost.engine.lease import LEASE_S, LOOK_S, RENEW_S, Lease
from everpost.store.memory import MemoryStore
from everpost.store.port import StoreUnavailable

SHORT_S = 0.01


class Process:
    """One of those that would like to work, with a clock and a way to the store of its own."""

    def __init__(self, store):
        self.clock = Clock(seed=id(self))
        self.store = Troubled(store)
        self.lease = Lease("work", self.store, self.clock)

    async def watch(self):
        """A standby that asks again and again; returns when it is its turn."""
        while not await self.lease.hold():
            await elapse(LOOK_S)


def processes(count=2):
    store = MemoryStore(lambda: 0.0)
    return [Process(store) for _ in range(count)]


def now():
    return asyncio.get_running_loop().time()


async def test_of_many_who_ask_one_holds_it():
    several = processes(20)
    for _ in range(3):
        assert sorted(await asyncio.gather(*(one.lease.hold() for one in several))) == [False] * 19 + [True]
        await elapse(RENEW_S + SHORT_S)


async def test_who_works_keeps_it_and_asks_the_store_once_in_five_seconds():
    holder, standby = processes()
    assert await holder.lease.hold()
    for _ in range(1000):
        assert await holder.lease.hold()
        assert not await standby.lease.hold()
        await elapse(0.1)
    assert holder.store.called["write_config"] == 20
    assert standby.store.called["write_config"] == 0


async def test_one_that_dies_is_replaced_when_its_time_is_over():
    holder, standby = processes()
    assert await holder.lease.hold()
    assert not await standby.lease.hold()
    began = now()
    await standby.watch()
    assert LEASE_S <= now() - began <= LEASE_S + LOOK_S


async def test_one_that_stops_is_replaced_at_once():
    holder, standby = processes()
    assert await holder.lease.hold()
    assert not await standby.lease.hold()
    await holder.lease.release()
    assert await standby.lease.hold()
    assert not await holder.lease.hold()


async def test_what_was_given_back_and_taken_again_is_nobody_elses():
    holder, standby = processes()
    assert await holder.lease.hold()
    assert not await standby.lease.hold()
    await elapse(LEASE_S - SHORT_S)
    await holder.lease.release()
    assert await holder.lease.hold()
    await elapse(2 * SHORT_S)
    assert not await standby.lease.hold()


async def test_a_holder_that_was_frozen_does_not_take_it_back():
    holder, standby = processes()
    assert await holder.lease.hold()
    assert not await standby.lease.hold()
    await elapse(LEASE_S)
    assert await standby.lease.hold()
    assert not await holder.lease.hold()
    await holder.lease.release()
    assert await standby.lease.hold()
    await elapse(RENEW_S + SHORT_S)
    assert await standby.lease.hold()


async def test_a_holder_without_work_writes_nothing_and_goes_on_if_nobody_else_had_any():
    (holder,) = processes(1)
    assert await holder.lease.hold()
    await elapse(86_400.0)
    assert holder.store.called["write_config"] == 1
    assert await holder.lease.hold()


async def test_a_lease_that_was_left_alone_is_anybodys_at_once():
    holder, standby = processes()
    assert await holder.lease.hold()
    assert not await standby.lease.hold()
    await elapse(86_400.0)
    assert await standby.lease.hold()


async def test_a_process_that_starts_long_after_a_crash_need_not_wait():
    holder, late = processes()
    assert await holder.lease.hold()
    await elapse(LEASE_S)
    assert await late.lease.hold()


async def test_a_clock_that_is_a_day_ahead_keeps_nobody_out_when_its_process_has_died():
    holder, standby = processes()
    holder.clock.skew_s = 86_400.0
    assert await holder.lease.hold()
    assert not await standby.lease.hold()
    began = now()
    await standby.watch()
    assert now() - began <= LEASE_S + LOOK_S


async def test_a_clock_that_is_a_day_ahead_takes_the_lease_once_and_not_again_and_again():
    holder, hasty = processes()
    hasty.clock.skew_s = 86_400.0
    assert await holder.lease.hold()
    assert await hasty.lease.hold()
    await elapse(RENEW_S)  # until then the other one may think that it has it
    for _ in range(100):
        assert not await holder.lease.hold()
        assert await hasty.lease.hold()
        await elapse(1.0)
    await elapse(LEASE_S)  # the hasty one has no work for a while
    for _ in range(100):
        assert await holder.lease.hold()
        assert not await hasty.lease.hold()
        await elapse(1.0)


async def test_it_is_kept_for_as_long_as_the_work_takes():
    holder, standby = processes()
    assert await holder.lease.hold()
    async with holder.lease.kept():
        for _ in range(100):
            await elapse(1.0)
            assert not await standby.lease.hold()
    await elapse(LEASE_S + SHORT_S)
    assert await standby.lease.hold()


async def test_short_work_costs_no_renewal():
    (holder,) = processes(1)
    assert await holder.lease.hold()
    async with holder.lease.kept():
        await elapse(RENEW_S / 2)
    assert holder.store.called["write_config"] == 1


async def test_a_store_that_is_away_for_a_while_does_not_cost_the_lease():
    holder, standby = processes()
    assert await holder.lease.hold()
    async with holder.lease.kept():
        holder.store.fails["write_config"] = GONE
        assert not await standby.lease.hold()
        await elapse(LEASE_S - 2 * LOOK_S)
        holder.store.fails.clear()
        await elapse(2 * LOOK_S)
        assert not await standby.lease.hold()


async def test_who_was_not_told_that_it_got_the_lease_finds_out():
    (holder,) = processes(1)
    holder.store.fails["write_config"], holder.store.forgets = GONE, True
    with pytest.raises(StoreUnavailable):
        await holder.lease.hold()
    assert not holder.lease.is_fresh
    holder.store.fails.clear()
    assert await holder.lease.hold()


async def test_giving_it_back_never_fails_nor_waits_for_long():
    for trouble in ("fails", "slow"):
        (holder,) = processes(1)
        assert await holder.lease.hold()
        if trouble == "fails":
            holder.store.fails["write_config"] = GONE
        else:
            holder.store.slow_s["write_config"] = 1000.0
        began = now()
        await holder.lease.release()
        assert now() - began <= 2.0
        assert not holder.lease.is_fresh


async def test_leases_whose_names_begin_alike_are_two():
    store = MemoryStore(lambda: 0.0)
    clock = Clock()
    one, two = Lease("ab", store, clock), Lease("a", store, clock)
    assert await one.hold()
    assert await two.hold()
