"""The audit trail, looked through."""

import pytest

from everpost.engine import search as searching
from everpost.engine.search import Found, Sought, search, search_back
from everpost.engine.trail import CLOCKS_OFF_S, last_seq
from everpost.model.event import EventType
from everpost.store.memory import MemoryStore
from store_values import NOW, system_event

HOUR_S = 3600.0
TYPES = (EventType.ACCOUNT_OPENED, EventType.ACCOUNT_CLOSED, EventType.KEY_CREATED)


class Counting(MemoryStore):
    looked = 0

    async def read_events(self, after, limit, project=None, message_id=None):
        found = await super().read_events(after, limit, project, message_id)
        self.looked += len(found)
        return found


@pytest.fixture
async def store():
    """An event each minute for ten hours; of three types, two projects and three accounts in turn."""
    store = Counting()
    await store.record(
        [
            system_event(
                str(number),
                at=NOW + 60 * number,
                type=TYPES[number % 3],
                project=("shop", "blog")[number % 2],
                account=(None, "a", "b")[number % 3],
            )
            for number in range(600)
        ]
    )
    store.looked = 0
    return store


async def everything(store, limit=50, **sought):
    found, place = [], -1
    following = 0
    while following != place:
        place = following
        page = await search(store, Sought(**{"project": None} | sought), place, limit)
        assert len(page.events) <= limit
        found += page.events
        following = page.place
    return [int(one.event.id) for one in found]


async def backwards(store, limit=50, **sought):
    found, place = [], await last_seq(store)
    store.looked = 0
    while place != 0:
        page = await search_back(store, Sought(**{"project": None} | sought), place, limit)
        assert len(page.events) <= limit
        found += page.events
        place = page.place
    return [int(one.event.id) for one in found]


async def test_the_newest_come_first_backwards(store, monkeypatch):
    monkeypatch.setattr(searching, "EVENTS_PAGE_MAX", 40)
    assert await backwards(store) == [*reversed(range(600))]
    assert await backwards(store, project="blog") == [*range(599, 0, -2)]
    types = {EventType.KEY_CREATED, EventType.ACCOUNT_CLOSED}
    assert await backwards(store, types=types) == [each for each in reversed(range(600)) if each % 3]
    assert await everything(store, types=types) == [each for each in range(600) if each % 3]


async def test_backwards_a_time_is_left_without_looking_at_all_that_was_before(store, monkeypatch):
    monkeypatch.setattr(searching, "EVENTS_PAGE_MAX", 40)
    since, until = NOW + 8 * HOUR_S, NOW + 8.5 * HOUR_S
    assert await backwards(store, since=since, until=until) == [*reversed(range(480, 510))]
    assert store.looked < 250


async def test_backwards_a_mail_with_more_events_than_a_page_has_is_told_whole(store, monkeypatch):
    monkeypatch.setattr(searching, "EVENTS_PAGE_MAX", 40)
    opened = EventType.RECIPIENT_OPENED
    await store.record(
        [system_event(str(number), type=opened, project="shop", message_id="em_1") for number in range(600, 730)]
    )
    for limit in (50, 130, 200):
        assert await backwards(store, limit, message_id="em_1") == [*range(729, 599, -1)]


async def test_what_comes_in_meanwhile_does_not_move_a_place_backwards(store):
    first = await search_back(store, Sought(project=None), await last_seq(store), 50)
    await store.record([system_event("1000", at=NOW)])
    second = await search_back(store, Sought(project=None), first.place, 50)
    assert [int(one.event.id) for one in (*first.events, *second.events)] == [*range(599, 499, -1)]


async def test_what_is_not_narrowed_is_read_page_by_page(store):
    assert await everything(store) == list(range(600))
    assert await everything(store, project="blog") == list(range(1, 600, 2))


async def test_types_accounts_and_projects_hold_together(store):
    assert await everything(store, type=EventType.KEY_CREATED) == list(range(2, 600, 3))
    assert await everything(store, account="a") == list(range(1, 600, 3))
    assert await everything(store, account="a", project="shop") == list(range(4, 600, 6))
    assert await everything(store, account="a", type=EventType.KEY_CREATED) == []


async def test_a_time_is_found_without_looking_at_all_that_was_before(store):
    since, until = NOW + 8 * HOUR_S, NOW + 8.5 * HOUR_S
    assert await everything(store, since=since, until=until) == list(range(480, 510))
    assert store.looked < 250
    assert await everything(store, since=NOW + 100 * HOUR_S) == []
    assert await everything(store, until=NOW) == []


async def test_clocks_that_disagree_lose_nothing_at_the_ends(store):
    at = NOW + 20 * HOUR_S
    late = system_event("1001", at=at - CLOCKS_OFF_S + 1)
    await store.record([system_event("1000", at=at), late, system_event("1002", at=at)])
    assert await everything(store, since=at) == [1000, 1002]
    assert await everything(store, since=at - CLOCKS_OFF_S, until=at) == [1001]


async def test_no_more_is_looked_at_for_one_answer_than_the_limit_says(store, monkeypatch):
    monkeypatch.setattr(searching, "EVENT_LOOKS_MAX", 100)
    monkeypatch.setattr(searching, "EVENTS_PAGE_MAX", 50)
    found = await search(store, Sought(project=None, account="nobody"), 0, 10)
    assert (found.events, found.place, store.looked) == ([], 100, 100)
    assert await everything(store, type=EventType.KEY_CREATED) == list(range(2, 600, 3))


async def test_the_end_is_where_the_place_stays(store):
    assert await search(store, Sought(project=None), 600, 10) == Found([], 600)
    assert await search(store, Sought(project=None, until=NOW), 5, 10) == Found([], 5)
