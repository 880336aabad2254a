"""What waits together is written with few statements, and comes out as if each had come alone."""

import asyncio

import apsw
import pytest
from msgspec.structs import replace

from everpost.model.change import Usage
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import Address
from everpost.model.suppression import Suppression
from everpost.store.port import Conflict, Filter, New, Same, StoreUnavailable, Unbegun, Written
from everpost.store.sqlite import accepting, bulk, writes
from everpost.store.sqlite.bulk import ROWS_MAX
from sqlite_stores import count_commits, gathering, opened
from store_values import LATE, NOW, accept, begun, change, charge, delivery, event, key, message


@pytest.fixture
async def store(path):
    async with opened(path) as store:
        yield store


async def together(store, *asked, in_commits=1):
    """What comes of operations that are in one batch, in their order."""
    commits = count_commits(store)
    async with gathering(store):
        waiting = [asyncio.ensure_future(one) for one in asked]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert len(commits) == 1 + in_commits  # the one that they waited for, and theirs
    return results


def submitted(store, of, claim=None):
    one = delivery(of)
    return store.accept(of, [one], [event(one)], claim, LATE)


@pytest.mark.parametrize("count", [1, 2, 3, ROWS_MAX - 1, ROWS_MAX, ROWS_MAX + 1, 3 * ROWS_MAX + 7])
async def test_any_number_of_messages_is_stored_whole(store, count):
    many = [message(number, tags=("a", f"t{number}")) for number in range(1, count + 1)]
    assert await together(store, *(submitted(store, of) for of in many)) == [New()] * count
    claim = await store.claim_due(NOW + count, 60.0, count)
    assert [claimed.message for claimed in claim.claimed] == many
    assert [recorded.event for recorded in await store.read_events(0, 1000)] == [event(delivery(of)) for of in many]
    found = await store.list_messages(Filter(project="shop", recipient="bob@example.org", tag="a"), None, 1000)
    assert len(found) == count


@pytest.mark.parametrize("count", [1, ROWS_MAX + 1, 3 * ROWS_MAX + 7])
async def test_any_number_of_changes_is_written(store, count):
    ones = [(await accept(store, message(number)))[0] for number in range(1, count + 1)]
    changes = [change(one, tried=("one",), reason=one.id) for one in ones]
    asked = [store.begin(changes[:2]), *(store.advance([each]) for each in changes[2:])]
    written = await together(store, *asked)
    assert [each for results in written for each in results] == [Written.DONE] * count
    assert [await store.find_delivery(one.id) for one in ones] == [each.delivery for each in changes]


async def test_of_two_with_one_key_one_is_stored_and_the_other_told(store):
    asked = [submitted(store, message(1), key()), submitted(store, message(2), key())]
    asked.append(submitted(store, message(3), key(fingerprint=b"other")))
    first = message(1).id
    same = Same(message_id=first, running_until=None, answer=None)
    assert await together(store, *asked) == [New(), same, Conflict(first)]
    assert (await store.counts()).accepted == 1
    assert await submitted(store, message(4), key()) == same


async def test_a_known_key_among_new_ones_is_told_what_it_was_used_for(store):
    await accept(store, message(1), key("known", running_until=NOW + 9))
    await store.answer("shop:send", "known", b"told")
    asked = [submitted(store, message(number), key(name)) for number, name in ((2, "a"), (3, "known"), (4, "b"))]
    known = Same(message_id=message(1).id, running_until=NOW + 9, answer=b"told")
    assert await together(store, *asked) == [New(), known, New()]


async def test_a_taken_id_fails_alone(store):
    asked = [submitted(store, message(1)), submitted(store, message(2), key()), submitted(store, message(1))]
    results = await together(store, *asked, in_commits=2)
    assert results[:2] == [New(), New()]
    assert isinstance(results[2], StoreUnavailable)
    assert (await store.counts()).accepted == 2


async def test_of_two_that_change_one_delivery_the_second_is_fenced_off(store):
    (one,) = await accept(store)
    sent = change(one, DeliveryState.SENT, EventType.SENT)
    cancelled = change(one, DeliveryState.CANCELLED, EventType.CANCELLED)
    assert await together(store, store.advance([sent]), store.advance([cancelled])) == [
        [Written.DONE],
        [Written.FENCED],
    ]
    assert await store.find_delivery(one.id) == sent.delivery


async def test_one_that_lost_its_lease_does_not_stop_the_others(store):
    ones = [(await accept(store, message(number)))[0] for number in (1, 2, 3)]
    lost = change(replace(ones[1], version=7))
    nowhere = change(replace(ones[1], id="em_none.x"))
    asked = (store.begin([change(ones[0]), lost]), store.begin([nowhere]), store.begin([change(ones[2])]))
    done, fenced = Written.DONE, Written.FENCED
    assert await together(store, *asked) == [[done, fenced], [fenced], [done]]
    assert (await store.find_delivery(ones[1].id)).state is DeliveryState.QUEUED


async def test_what_is_charged_together_adds_up(store):
    ones = [(await accept(store, message(number)))[0] for number in (1, 2, 3)]
    asked = [store.begin([change(one, charges=[charge(4), charge(4, 100, unit="month")])]) for one in ones]
    assert await together(store, *asked) == [[Written.DONE], [Written.DONE], [Written.OVER_QUOTA]]
    assert await store.usage() == {("one", "day"): Usage(NOW, 8), ("one", "month"): Usage(NOW, 8)}


async def test_those_with_an_attempt_that_may_not_be_made_do_not_stop_the_others(store):
    await store.suppress([Suppression(project="shop", address="bob@example.org", reason="x", created_at=NOW)], [])
    free = (Address("carol@example.org"),)
    asked = [
        begun(store, message(1, to=free), charges=[charge(6)]),
        begun(store, message(2)),
        begun(store, message(3, to=free), key(), charges=[charge(6)]),
        begun(store, message(4, to=free), key(), charges=[charge(4)]),
        submitted(store, message(5)),
    ]
    assert await together(store, *asked) == [New(), Unbegun(), Unbegun(), New(), New()]
    assert await store.usage() == {("one", "day"): Usage(NOW, 10)}
    assert (await store.counts()).accepted == 3


STATEMENTS = [
    (module, name)
    for module in (accepting, writes)
    for name, sql in vars(module).items()
    if isinstance(sql, str) and bulk.ROWS in sql
]


@pytest.mark.parametrize(("module", "name"), STATEMENTS, ids=lambda one: getattr(one, "__name__", one))
async def test_no_statement_over_many_rows_walks_a_table(store, module, name):
    connection = store._writer.connection
    for width in range(1, 30):
        sql = bulk._statement(getattr(module, name), width, 2)
        try:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * 2 * width)]
        except apsw.SQLError:
            continue  # another number of columns
        assert [step for step in plan if step.startswith("SCAN") and "VALUES" not in step] == []
        return
    pytest.fail("no number of columns fits")
