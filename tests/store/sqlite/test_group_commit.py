"""Callers that wait together share one commit, and nobody pays for a faulty neighbour."""

import asyncio
import threading
from itertools import pairwise

import pytest

from everpost.model.limits import IN_LOOP_BYTES_MAX
from everpost.store.port import StoreUnavailable
from everpost.store.sqlite.lane import PROMPT_S, SETTLED_PER_TURN, ThreadLane
from everpost.store.sqlite.operation import Single
from sqlite_stores import count_commits, gathering, known, opened
from store_values import LATE, accept, delivery, event, key, message, system_event


async def test_callers_that_wait_together_share_one_commit(path):
    async with opened(path) as store:
        commits = count_commits(store)
        async with gathering(store):
            accepts = [asyncio.ensure_future(accept(store, message(number))) for number in range(1, 101)]
        await asyncio.gather(*accepts)
        assert len(commits) == 1 + 1  # the one that they waited for, and theirs
        assert (await store.counts()).accepted == 100


async def test_a_commit_takes_no_more_operations_than_its_bound(path):
    async with opened(path) as store:
        commits = count_commits(store)
        async with gathering(store):
            writes = [asyncio.ensure_future(store.record([system_event(str(number))])) for number in range(600)]
        await asyncio.gather(*writes)
        assert len(commits) == 1 + 2  # the one that they waited for; 512 and 88


async def test_a_faulty_operation_fails_alone(path):
    async with opened(path) as store:
        of = message(2)
        faulty = event(delivery(of), data={"what": object()})
        async with gathering(store):
            accepts = [
                asyncio.ensure_future(accept(store, message(1))),
                asyncio.ensure_future(store.accept(of, [delivery(of)], [faulty], key(), LATE)),
                asyncio.ensure_future(accept(store, message(3))),
            ]
        results = await asyncio.gather(*accepts, return_exceptions=True)
        assert [type(result) for result in results] == [tuple, TypeError, tuple]
    assert await known(path) == {message(1).id, message(3).id}


async def test_more_than_may_wait_are_refused_at_once():
    begun, go_on = threading.Event(), threading.Event()

    def hold(batch):
        begun.set()
        return [go_on.wait() for _ in batch]

    lane = ThreadLane("test", hold, batch_max=1, waiting_max=2)
    first = asyncio.ensure_future(lane.run(Single(print)))
    await asyncio.sleep(0)
    await asyncio.to_thread(begun.wait)
    waiting = [asyncio.ensure_future(lane.run(Single(print))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="2 operations are waiting"):
        await lane.run(Single(print))
    go_on.set()
    assert await asyncio.gather(first, *waiting) == [True] * 3
    await lane.close()


async def test_closing_finishes_what_waits_and_refuses_the_rest(path):
    async with opened(path) as store:
        waiting = [asyncio.ensure_future(accept(store, message(number))) for number in range(1, 51)]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*waiting)
        with pytest.raises(StoreUnavailable, match="closed"):
            await accept(store, message(99))
    assert len(await known(path)) == 50


async def test_what_a_cancelled_caller_has_asked_for_is_done(path):
    async with opened(path) as store:
        async with gathering(store):
            caller = asyncio.ensure_future(accept(store))
            await asyncio.sleep(0)
            caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert await known(path) == {message().id}


# --- alone ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def lane():
    """A lane, and where each operation was run."""
    ran = []

    def run(batch):
        ran.append(("thread", len(batch)))
        return [operation.run(None) for operation in batch]

    def run_at_once(operation):
        ran.append(("loop", 1))
        return operation.run(None)

    lane = ThreadLane("test", run, 512, 100, run_at_once)
    lane.ran = ran
    yield lane
    await lane.close()


async def test_who_is_alone_is_served_in_the_loops_own_thread(lane):
    for number in range(3):
        assert await lane.run(Single(lambda _, number=number: number)) == number
    assert lane.ran == [("loop", 1)] * 3


async def test_what_is_large_is_left_to_the_thread_though_it_is_alone(lane):
    await lane.run(Single(lambda _: None, is_large=True))
    assert lane.ran == [("thread", 1)]


async def test_a_large_mail_is_written_by_the_thread_and_a_small_one_that_is_alone_in_the_loop(path):
    async with opened(path) as store:
        lane, at_once = store._writes, []
        run_at_once = lane._run_at_once
        lane._run_at_once = lambda operation: at_once.append(operation.asked.message.id) or run_at_once(operation)
        for number, size in enumerate((IN_LOOP_BYTES_MAX, IN_LOOP_BYTES_MAX + 1), 1):
            lane._took_s = 0.0  # the disk is prompt
            await accept(store, message(number, text="x" * size))
        assert at_once == [message(1).id]
    assert await known(path) == {message(1).id, message(2).id}


async def test_who_comes_together_shares_a_batch_of_the_thread(lane):
    assert await asyncio.gather(*[lane.run(Single(lambda _: "done")) for _ in range(5)]) == ["done"] * 5
    await lane.run(Single(lambda _: None))  # others may come again
    await lane.run(Single(lambda _: None))
    assert lane.ran == [("thread", 5), ("thread", 1), ("loop", 1)]


async def test_of_a_large_batch_a_few_callers_go_on_in_each_turn_of_the_loop(lane):
    waiting = [asyncio.ensure_future(lane.run(Single(lambda _: None))) for _ in range(3 * SETTLED_PER_TURN)]
    await waiting[0]
    told = [sum(one.done() for one in waiting)]
    while told[-1] < len(waiting):
        await asyncio.sleep(0)
        told.append(sum(one.done() for one in waiting))
    assert max(later - before for before, later in pairwise(told)) <= SETTLED_PER_TURN
    assert told[0] <= SETTLED_PER_TURN


async def test_behind_a_slow_disk_nobody_is_served_in_the_loops_own_thread(lane):
    lane._took_s = 2 * PROMPT_S
    await lane.run(Single(lambda _: None))
    assert lane.ran == [("thread", 1)]


async def test_while_the_thread_works_nobody_is_served_beside_it(lane):
    go_on = threading.Event()
    lane._took_s = 2 * PROMPT_S
    first = asyncio.ensure_future(lane.run(Single(lambda _: go_on.wait())))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    lane._took_s = 0.0
    second = asyncio.ensure_future(lane.run(Single(lambda _: None)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, second)
    assert ("loop", 1) not in lane.ran


async def test_what_fails_alone_is_told_to_who_has_asked(path):
    async with opened(path) as store:
        of = message(1)
        with pytest.raises(TypeError):
            await store.accept(of, [delivery(of)], [event(delivery(of), data={"what": object()})], key(), LATE)
        await accept(store, of)


async def test_who_is_alone_does_not_hold_up_the_loop_for_another_process(path):
    async with opened(path) as store, opened(path) as other:
        connection = other._writer.connection
        connection.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(accept(store, message(1)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        connection.execute("COMMIT")
        await waiting
    assert await known(path) == {message(1).id}
