"""What many do at the same time: shared commits, numbers of events in their order, and nobody who pays for another."""

import asyncio
from contextlib import AsyncExitStack

import pytest

import postgres_kit
from everpost.entrypoints.metrics import Metrics
from everpost.model.change import Usage
from everpost.model.delivery import DeliveryState
from everpost.model.message import Address
from everpost.store.port import AcceptOverrun, New, Notice, Same, StoreUnavailable, Unbegun, Written
from store_values import LATE, NOW, accept, begun, change, charge, delivery, event, key, message, system_event


async def accept_as(store, of, claim):
    return await store.accept(of, (delivery(of),), (event(delivery(of)),), claim, LATE)


@pytest.fixture
async def stores(server, clock):
    """As of several processes."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(postgres_kit.opened(server, clock=clock)) for _ in range(3)]


async def test_who_waits_at_the_same_time_shares_a_commit(server, store, journal):
    first = asyncio.ensure_future(accept(store, message(1)))
    await journal.waited_for()
    others = [asyncio.ensure_future(accept(store, message(number))) for number in range(2, 41)]
    await asyncio.sleep(0)
    await journal.release()
    await asyncio.gather(first, *others)
    [[commits]] = await postgres_kit.judged(server, "SELECT count(DISTINCT xmin::text) FROM message")
    assert commits == 2


async def test_a_commit_is_counted_with_all_who_share_it_and_who_waits_for_the_next(server, clock, journal):
    metrics = Metrics("0")
    value = metrics.registry.get_sample_value
    async with postgres_kit.opened(server, clock=clock, commits=metrics.process) as store:
        first = asyncio.ensure_future(accept(store, message(1)))
        await journal.waited_for()
        others = [asyncio.ensure_future(accept(store, message(number))) for number in range(2, 41)]
        await asyncio.sleep(0)
        assert value("everpost_store_waiting_writes") == 39
        await journal.release()
        await asyncio.gather(first, *others)
        assert value("everpost_store_waiting_writes") == 0
    assert value("everpost_store_commit_operations_sum") == 40
    assert value("everpost_store_commit_duration_seconds_count") == 2


async def test_a_mail_that_cant_be_stored_costs_its_neighbours_nothing(store, journal):
    first = asyncio.ensure_future(accept(store, message(1)))
    await journal.waited_for()
    wrong = asyncio.ensure_future(accept(store, message(2, subject="half of a pair: \ud83d")))
    taken = asyncio.ensure_future(accept(store, message(1, subject="again")))
    good = [asyncio.ensure_future(accept(store, message(number))) for number in range(3, 12)]
    await asyncio.sleep(0)
    await journal.release()
    await asyncio.gather(first, *good)
    with pytest.raises(UnicodeEncodeError):
        await wrong
    with pytest.raises(StoreUnavailable, match="is taken"):
        await taken
    assert (await store.counts()).accepted == 10


async def test_no_reader_passes_an_event_that_is_still_to_come(stores):
    """A reader that follows the trail by its cursor while three write sees every event once, without a gap."""
    count, seen, written = 40, [], asyncio.Event()

    async def write(store, first):
        for number in range(first, first + count):
            (one,) = await accept(store, message(number))
            await store.advance([change(one, DeliveryState.SENT)])
            await store.record([system_event(str(number))])

    async def follow():
        while True:
            is_all = written.is_set()
            page = await stores[0].read_events(seen[-1].seq if seen else 0, 7)
            seen.extend(page)
            if is_all and not page:
                return
            await asyncio.sleep(0)

    reader = asyncio.create_task(follow())
    await asyncio.gather(*(write(store, 1000 * n) for n, store in enumerate(stores, 1)))
    written.set()
    await reader
    assert [recorded.seq for recorded in seen] == list(range(1, 9 * count + 1))
    for number in (1000, 2000, 3000):
        of = [recorded.event.id for recorded in seen if recorded.event.message_id == message(number).id]
        assert of == [f"{message(number).id}.0:0", f"{message(number).id}.0:1"]


async def test_the_same_fact_that_several_are_told_at_once_is_written_once(stores):
    for number in range(60):
        fact = Notice(event=system_event(f"hook:{number}"), further=(system_event(f"further:{number}"),))
        results = await asyncio.gather(*(store.note([fact]) for store in stores))
        assert sorted(fresh for [fresh] in results) == [False, False, True]
    assert len(await stores[0].read_events(0, 200)) == 120


async def test_of_simultaneous_uses_of_a_key_in_several_processes_one_wins(stores):
    results = await asyncio.gather(
        *(
            store.accept(message(n), (delivery(message(n)),), [event(delivery(message(n)))], key(str(n // 3)), LATE)
            for n, store in enumerate(stores * 10, 1)
        )
    )
    assert results.count(New()) == len({n // 3 for n in range(1, 31)})
    assert all(isinstance(result, New | Same) for result in results)


async def test_a_quota_is_used_up_exactly_by_several_processes(stores):
    results = await asyncio.gather(
        *(begun(store, message(n), charges=[charge(1, 12)]) for n, store in enumerate(stores * 10, 1))
    )
    assert results.count(New()) == 12
    assert results.count(Unbegun()) == 18
    assert await stores[0].usage() == {("one", "day"): Usage(NOW, 12)}


async def test_each_delivery_is_claimed_by_one_of_several_processes(stores):
    for number in range(1, 61):
        await accept(stores[0], message(number))
    claims = await asyncio.gather(*(store.claim_due(NOW + 100, 60.0, 7) for store in stores * 3))
    taken = [claimed.delivery.id for claim in claims for claimed in claim.claimed]
    assert len(taken) == len(set(taken))
    rest = await stores[0].claim_due(NOW + 100, 60.0, 100)
    assert len(taken) + len(rest.claimed) == 60


async def test_of_two_who_change_a_delivery_one_is_fenced(stores):
    for number in range(1, 11):
        (one,) = await accept(stores[0], message(number))
        results = await asyncio.gather(
            *(store.advance([change(one, state)]) for store, state in zip(stores, DeliveryState, strict=False))
        )
        assert sorted(result for [result] in results) == [Written.DONE, Written.FENCED, Written.FENCED]
    counts = await stores[0].counts()
    assert counts.accepted == sum(counts.by_state.values()) == 10


async def test_a_mail_that_became_durable_too_late_is_undone(store, journal, clock):
    waiting = asyncio.ensure_future(accept(store, message(1), key(), not_after=NOW + 5))
    await journal.waited_for()
    clock.now = NOW + 6
    await journal.release()
    with pytest.raises(AcceptOverrun):
        await waiting
    one = await store.find_delivery(delivery(message(1)).id)
    assert one.state is DeliveryState.CANCELLED
    assert await accept(store, message(2), key())  # the key is free


async def test_a_mail_that_somebody_has_taken_up_meanwhile_is_not_undone(server, store, journal, clock, monkeypatch):
    """It may be on its way: its sender had better believe that it is."""
    waiting = asyncio.ensure_future(accept(store, message(1), not_after=NOW + 5))
    await journal.waited_for()
    run = store._pool.run

    async def taken_up_first(work):
        if getattr(work, "func", None) is not None and work.func.__name__ == "_undo":
            await postgres_kit.judged(server, "UPDATE delivery SET version = version + 1")
        return await run(work)

    monkeypatch.setattr(store._pool, "run", taken_up_first)
    clock.now = NOW + 6
    await journal.release()
    assert await waiting


async def test_a_mail_that_a_repeated_request_was_told_of_meanwhile_is_not_undone(store, journal, clock, monkeypatch):
    waiting = asyncio.ensure_future(accept(store, message(1), key(), not_after=NOW + 5))
    await journal.waited_for()
    run, told = store._pool.run, []

    async def told_first(work):
        if getattr(work, "func", None) is not None and work.func.__name__ == "_undo":
            told.append(await store.vouch("shop:send", "k", message(1).id))
        return await run(work)

    monkeypatch.setattr(store._pool, "run", told_first)
    clock.now = NOW + 6
    await journal.release()
    assert await waiting
    assert told == [True]
    assert (await store.find_delivery(delivery(message(1)).id)).state is DeliveryState.QUEUED


async def test_of_processes_that_want_a_key_that_is_given_up_one_gets_it(stores):
    await accept(stores[0], message(1), key())
    late = message(1).created_at + 0.5
    for of in range(1, 31):  # a round each, as fast as they go
        first = 10 * of
        results = await asyncio.gather(
            *(accept_as(each, message(first + n), key(since=late)) for n, each in enumerate(stores))
        )
        assert results.count(New()) == 1
        late = message(first + 9).created_at
    assert (await stores[0].counts()).accepted == 31


async def test_texts_that_postgresql_cant_hold_are_kept_as_they_are(store):
    nul = "a\0b\x1bc\x1b0"
    of = message(1, tags=(nul,), subject=nul, to=(Address(f"{nul}@example.org"),))
    await accept(store, of, key(nul))
    (one,) = (await store.get_message("shop", of.id)).deliveries
    await store.advance([change(one, DeliveryState.FAILED, reason=nul, provider_message_id=nul)])
    await store.write_config(nul, b"1", None, [system_event(nul, data={"text": nul})])
    assert (await store.find_delivery(one.id)).reason == nul
    assert list(await store.read_config(nul)) == [nul]
    assert isinstance(await store.find_key("shop:send", nul, b"f"), Same)
    [last] = await store.read_events(2, 10)
    assert (last.event.id, last.event.data) == (nul, {"text": nul})
    assert await store.get_message("shop", nul) is None
    assert await store.find_delivery(f"{nul}.0") is None
