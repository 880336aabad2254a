"""The audit trail as it grows, for many readers, by one reader of the store."""

import asyncio

import pytest

from engine_kit import GONE, Troubled, elapse
from everpost.engine.feed import LOOK_S, PAGE, Feed
from everpost.engine.news import News
from everpost.model.event import Event, EventType
from everpost.store.memory import MemoryStore
from store_values import NOW


class Trail:
    def __init__(self):
        self.store = Troubled(MemoryStore(lambda: NOW))
        self.news = News()
        self.feed = Feed(self.store, self.news)
        self.count = 0

    async def add(self, count, *, project="shop", message=None):
        events = [
            Event(id=f"e{self.count + one}", type=EventType.SENT, at=NOW, project=project, message_id=message)
            for one in range(count)
        ]
        self.count += count
        await self.store.record(events)


@pytest.fixture
def trail():
    return Trail()


async def seqs(reader, count, within_s=10.0):
    """The next so many, at least."""
    found = []
    while len(found) < count:
        page = await reader.next(within_s)
        assert page, f"only {found}"
        found += [one.seq for one in page]
    return found


async def test_a_reader_is_told_of_what_comes_and_of_nothing_before(trail):
    await trail.add(10)
    reader = trail.feed.open(None)
    assert await reader.next(1.0) == ()
    await trail.add(3)
    trail.news.nudge()
    assert await seqs(reader, 3) == [11, 12, 13]
    reader.close()


@pytest.mark.parametrize("after", [0, 1, 7, 999, 2999, 3000])
async def test_a_reader_goes_on_where_it_was(trail, after):
    await trail.add(3000)
    reader = trail.feed.open(after)
    reading = asyncio.create_task(seqs(reader, 3005 - after))
    await elapse(1.0)
    await trail.add(5)
    assert await reading == list(range(after + 1, 3006))
    reader.close()


async def test_news_are_told_at_once_and_those_of_other_processes_soon(trail):
    reader = trail.feed.open(None)
    assert await reader.next(60.0) == ()
    await trail.add(1)
    trail.news.nudge()
    assert await seqs(reader, 1, within_s=0.01) == [1]
    await trail.add(1)
    assert await seqs(reader, 1, within_s=LOOK_S + 0.01) == [2]
    reader.close()


async def test_silence_ends_in_time_however_much_there_is_for_others(trail):
    reader = trail.feed.open(None, "quiet")
    waiting = asyncio.create_task(reader.next(15.0))
    for _ in range(20):
        await elapse(1.0)
        await trail.add(1)
        trail.news.nudge()
    assert waiting.done()
    assert waiting.result() == ()
    reader.close()


@pytest.mark.parametrize("after", [0, None])
async def test_a_reader_gets_its_own_project_and_mail_alone(trail, after):
    shop, mail = trail.feed.open(after, "shop"), trail.feed.open(after, "shop", "m1")
    every = trail.feed.open(after)
    await elapse(1.0)
    await trail.add(2, project="other", message="m1")
    await trail.add(2, message="m1")
    await trail.add(2, message="m2")
    trail.news.nudge()
    assert await seqs(every, 6) == [1, 2, 3, 4, 5, 6]
    assert await seqs(shop, 4) == [3, 4, 5, 6]
    assert await seqs(mail, 2) == [3, 4]
    for reader in (shop, mail, every):
        reader.close()


async def test_a_reader_whose_own_events_are_few_does_not_look_for_them_again_and_again(trail):
    await trail.add(1, project="shop")
    await trail.add(1000, project="other")
    reader = trail.feed.open(0, "shop")
    assert await seqs(reader, 1) == [1]
    trail.store.called.clear()
    assert await reader.next(10.0) == ()
    await trail.add(1, project="shop")
    assert await seqs(reader, 1) == [1002]
    assert trail.store.called["read_events"] <= 20
    reader.close()


async def test_what_a_reader_has_found_before_the_feed_it_is_not_told_again(trail):
    await trail.add(3)
    first = trail.feed.open(None)
    await elapse(0.1)
    await trail.add(2)  # nobody has told the feed
    reader = trail.feed.open(0)
    assert await seqs(reader, 5) == [1, 2, 3, 4, 5]
    await elapse(LOOK_S)
    await trail.add(1)
    trail.news.nudge()
    assert await seqs(reader, 1) == [6]
    assert await seqs(first, 3) == [4, 5, 6]
    first.close()
    reader.close()


async def test_many_readers_ask_the_store_as_one_does(trail):
    await trail.add(100)
    readers = [trail.feed.open(None) for _ in range(50)]
    told = [asyncio.create_task(seqs(reader, 200)) for reader in readers]
    await elapse(1.0)
    trail.store.called.clear()
    for _ in range(20):
        await trail.add(10)
        await elapse(LOOK_S)
    assert [await one for one in told] == 50 * [list(range(101, 301))]
    assert trail.store.called["read_events"] <= 2 * 20 + 2
    for reader in readers:
        reader.close()


async def test_a_slow_reader_holds_up_nobody_and_misses_nothing(trail, monkeypatch):
    tail = trail.feed._tail
    monkeypatch.setattr(tail, "_most", 50)
    slow, quick = trail.feed.open(None), trail.feed.open(None)
    await elapse(1.0)
    found = []
    for _ in range(10):
        await trail.add(PAGE)
        trail.news.nudge()
        found += await seqs(quick, PAGE)
        assert len(tail.above(tail.start)) <= 50
    assert found == list(range(1, 10 * PAGE + 1))
    assert await seqs(slow, 10 * PAGE) == found
    slow.close()
    quick.close()


async def test_while_nobody_reads_nothing_is_asked(trail):
    await trail.add(10)
    reader = trail.feed.open(None)
    await elapse(10.0)
    reader.close()
    reader.close()
    trail.store.called.clear()
    trail.news.nudge()
    await elapse(60.0)
    assert trail.store.called == {}
    assert trail.feed.readers == 0
    again = trail.feed.open(None)
    await elapse(1.0)
    await trail.add(1)
    trail.news.nudge()
    assert await seqs(again, 1) == [11]
    again.close()


async def test_a_place_that_is_not_there_yet_is_waited_for(trail):
    await trail.add(3)
    ahead, sound = trail.feed.open(5), trail.feed.open(3)
    assert await ahead.next(5.0) == ()
    await trail.add(4)
    assert await seqs(ahead, 2) == [6, 7]
    assert await seqs(sound, 4) == [4, 5, 6, 7]
    ahead.close()
    sound.close()


@pytest.mark.parametrize("error", [GONE, RuntimeError("a bug")], ids=["away", "bug"])
async def test_readers_outlive_trouble_with_the_store(trail, error):
    trail.store.fails["read_events"] = error
    reader = trail.feed.open(None)
    assert await reader.next(10.0) == ()
    trail.store.fails.clear()
    assert await reader.next(LOOK_S + 1.0) == ()
    trail.store.fails["read_events"] = error
    await trail.add(3)
    assert await reader.next(10.0) == ()
    trail.store.fails.clear()
    assert await seqs(reader, 3) == [1, 2, 3]
    reader.close()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 65, 1000])
async def test_the_end_of_the_trail_is_found_by_few_questions(trail, count):
    await trail.add(count)
    reader = trail.feed.open(None)
    await reader.next(0.1)
    assert trail.feed.position == count
    assert trail.store.called["read_events"] <= 25
    reader.close()
