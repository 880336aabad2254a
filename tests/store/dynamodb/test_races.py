"""Several processes at one table: threads with loops, connections and stores of their own, who share nothing else."""

import asyncio
from collections import Counter
from threading import Barrier

import pytest

from dynamodb_kit import new_table, real_store
from everpost.model.change import Usage
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.store.port import New, Same, Written
from store_values import LATE, NOW, accept, change, charge, delivery, key, message

WORKERS = 3
MAILS = 30


@pytest.fixture
async def table(aws):
    return await new_table(aws)


@pytest.fixture
def race(aws, table):
    """Runs the same work everywhere at once; returns what each worker has come to."""
    start = Barrier(WORKERS)

    async def worker(work, number):
        async with real_store(aws, lambda: NOW, name=table) as store:
            start.wait()
            return await work(store, number)

    async def run(work):
        threads = (asyncio.to_thread(asyncio.run, worker(work, number)) for number in range(WORKERS))
        return await asyncio.gather(*threads)

    return run


@pytest.fixture
async def store(aws, table):
    async with real_store(aws, lambda: NOW, name=table) as opened:
        yield opened


async def test_each_delivery_is_claimed_once(store, race):
    for number in range(MAILS):
        await accept(store, message(number))

    async def work(mine, _):
        taken = []
        while claimed := (await mine.claim_due(NOW + 99, 600.0, 5)).claimed:
            taken += [one.delivery.id for one in claimed]
        return taken

    taken = Counter(id_ for ids in await race(work) for id_ in ids)
    assert taken == Counter(delivery(message(number)).id for number in range(MAILS))


async def test_each_key_is_used_once_and_all_others_are_told_by_whom(race):
    async def work(mine, worker):
        mails = [message(1000 * worker + number) for number in range(MAILS)]
        return [await mine.accept(of, (delivery(of),), (), key(str(number)), LATE) for number, of in enumerate(mails)]

    results = await race(work)
    for number in range(MAILS):
        told = [worker[number] for worker in results]
        [winner] = [worker for worker, result in enumerate(told) if result == New()]
        same = Same(message_id=message(1000 * winner + number).id, running_until=None, answer=None)
        assert [result for result in told if result != New()] == [same] * (WORKERS - 1)


async def test_a_quota_is_charged_to_its_last_unit_and_no_further(store, race):
    for number in range(WORKERS * MAILS):
        await accept(store, message(number))
    room = MAILS + 7

    async def work(mine, worker):
        mails = [delivery(message(number)) for number in range(worker * MAILS, (worker + 1) * MAILS)]
        return [(await mine.begin([change(one, charges=[charge(1, room)])]))[0] for one in mails]

    written = Counter(result for results in await race(work) for result in results)
    assert written == {Written.DONE: room, Written.OVER_QUOTA: WORKERS * MAILS - room}
    assert await store.usage() == {("one", "day"): Usage(NOW, room)}


async def test_of_those_who_have_seen_the_same_version_one_writes(store, race):
    for number in range(MAILS):
        await accept(store, message(number))

    async def work(mine, _):
        return await mine.advance(
            [change(delivery(message(number)), DeliveryState.SENT, EventType.SENT) for number in range(MAILS)]
        )

    results = await race(work)
    for told in zip(*results, strict=True):
        assert sorted(told) == [Written.DONE] + [Written.FENCED] * (WORKERS - 1)
    assert len(await store.read_events(0, 1000)) == 2 * MAILS


async def test_all_readers_see_the_same_numbers_without_gap_while_events_are_written(store, race):
    async def work(mine, worker):
        seen = []
        for number in range(MAILS):
            await accept(mine, message(1000 * worker + number))
            seen += await mine.read_events(seen[-1].seq if seen else 0, 1000)
        return seen

    readers = await race(work)
    every = await store.read_events(0, 1000)
    assert [one.seq for one in every] == list(range(1, WORKERS * MAILS + 1))
    assert len({one.event.id for one in every}) == WORKERS * MAILS
    for seen in readers:
        assert seen == every[: len(seen)]
        assert seen
    counts = await store.counts()
    assert counts.accepted == counts.by_state["queued"] == WORKERS * MAILS


async def test_documents_are_written_over_the_version_that_was_seen_by_one(store, race):
    async def work(mine, worker):
        return [await mine.write_config("route/a", str(worker).encode(), version) for version in range(MAILS)]

    results = await race(work)
    last = (await store.read_config("route/"))["route/a"]
    assert sum(document is not None for written in results for document in written) == last.version
