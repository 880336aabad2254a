"""Events that are told once more: one, or those of a time."""

import pytest

from engine_kit import CALLER, accepted, elapse
from everpost.engine.trail import CLOCKS_OFF_S, last_seq, seq_before
from everpost.engine.webhooks.replays import One, Range
from everpost.model.event import Event, EventType
from everpost.model.problem import Problem
from everpost.store.memory import MemoryStore
from store_values import NOW
from webhook_kit import made

HOUR_S = 3600.0


async def hourly(hooked, count):
    """A mail an hour."""
    for number in range(count):
        await hooked.happen(1, first=number)
        await elapse(HOUR_S)


async def test_one_event_comes_once_more_with_the_id_that_it_had(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        stored = await accepted(engine, wait_s=5.0)
        await elapse(5.0)
        first = {got.type: got for got in hooked.receivers.got}
        for name in (first["email.sent"].event["id"], first["email.sent"].event["sequence"]):
            hooked.receivers.got.clear()
            assert not isinstance(await engine.webhooks.replay(CALLER, webhook, One(name)), Problem)
            await elapse(5.0)
            [again] = hooked.receivers.got
            assert (again.id, again.event) == (first["email.sent"].id, first["email.sent"].event)
            assert again.event["subject"] == stored.message.id


UNKNOWN = ["em_00000000000000000000000000.0:2", "route.changed:default:3", "99999999", "0", "9" * 30, "x"]


@pytest.mark.parametrize("name", UNKNOWN)
async def test_an_event_that_is_not_there_is_told_so(hooked, name):
    engine = hooked.engine()
    webhook = await made(engine)
    refused = await engine.webhooks.replay(CALLER, webhook, One(name))
    assert (refused.status, refused.errors[0].field) == (422, "event")


async def test_events_of_another_project_are_not_there(hooked):
    engine = hooked.engine()
    webhook = await made(engine)
    await hooked.happen(1, project="other", message_id="em_00000000000000000000000001", id="x")
    for name in (str(await last_seq(hooked.world.store)), "em_00000000000000000000000001.0:2"):
        assert isinstance(await engine.webhooks.replay(CALLER, webhook, One(name)), Problem)


async def test_a_range_comes_once_more_and_nothing_else(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        await hourly(hooked, 48)
        hooked.receivers.got.clear()
        await engine.webhooks.replay(CALLER, webhook, Range(NOW + 9.5 * HOUR_S, NOW + 19.5 * HOUR_S))
        await elapse(10.0)
        assert {got.event["id"] for got in hooked.receivers.got} == {f"em_{number}.0:2" for number in range(10, 20)}
        assert len(hooked.receivers.got) == 10
        assert (await hooked.progress(webhook)).replay is None
        hooked.receivers.got.clear()
        await engine.webhooks.replay(CALLER, webhook, Range(0.0, None))
        await elapse(30.0)
        assert len(hooked.receivers.got) == 48


async def test_a_long_range_comes_in_pieces_while_news_go_on_coming(hooked):
    await hooked.happen(3000)
    async with hooked.running() as engine:
        webhook = await made(engine)
        await engine.webhooks.replay(CALLER, webhook, Range(0.0, None))
        busy = await engine.webhooks.replay(CALLER, webhook, Range(0.0, None))
        assert (busy.code, busy.status) == ("webhook_busy", 409)
        await elapse(5.0)
        await hooked.happen(1, first=5000)
        await elapse(3.0)
        assert "em_5000.0:2" in {got.event["id"] for got in hooked.receivers.got}
        await elapse(60.0)
    assert len({got.id for got in hooked.receivers.got}) == 3001


async def test_an_empty_range_is_told_so(hooked):
    engine = hooked.engine()
    webhook = await made(engine)
    refused = await engine.webhooks.replay(CALLER, webhook, Range(NOW, NOW))
    assert (refused.status, refused.errors[0].field) == (422, "until")


async def trail(*ages):
    """A store whose events happened so many seconds ago."""
    store = MemoryStore(lambda: NOW)
    events = [
        Event(id=f"e{number}", type=EventType.SENT, at=NOW - age, project="shop") for number, age in enumerate(ages)
    ]
    await store.record(events)
    return store


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 1000, 1023, 1024, 1025])
async def test_the_last_event_is_found_in_a_few_looks(count):
    assert await last_seq(await trail(*range(count, 0, -1))) == count


@pytest.mark.parametrize("count", [1, 2, 3, 8, 100, 777])
async def test_a_place_in_time_is_found_and_little_is_read_in_vain(count):
    store = await trail(*(1000.0 * age for age in range(count, 0, -1)))
    for age in {1, count // 2 + 1, count}:
        place = await seq_before(store, NOW - 1000.0 * age, count)
        behind = await store.read_events(place, count)
        assert sum(one.event.at >= NOW - 1000.0 * age for one in behind) == age
        assert len(behind) <= age + 2
    assert CLOCKS_OFF_S < 1000
