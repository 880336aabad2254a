"""Callers that wait together share one commit, and nobody pays for a faulty neighbour."""

import asyncio
import threading

import pytest

from everpost.store.port import StoreUnavailable
from everpost.store.sqlite.lane import ThreadLane
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
