"""A filled store is one that could have come about."""

import apsw

from everpost.model.delivery import DeliveryState
from everpost.store.port import Filter
from filling import depths, fill
from sqlite_stores import opened
from store_values import NOW, accept, change, key, message

MAILS = 3000


async def with_a_sent_mail(path):
    async with opened(str(path)) as store:
        [one] = await accept(store, message(tags=("order",)), key("first"))
        await store.advance([change(one, DeliveryState.SENT)])


def rows(path, sql):
    connection = apsw.Connection(str(path))
    found = list(connection.execute(sql))
    connection.close()
    return found


async def test_a_filled_store_holds_so_many_more_mails_each_with_all_that_belongs_to_it(tmp_path):
    path = tmp_path / "everpost.db"
    await with_a_sent_mail(path)
    tables = ("message", "delivery", "event", "recipient", "tag", "idempotency")
    before = {table: rows(path, f"SELECT count(*) FROM {table}")[0][0] for table in tables}
    fill(path, MAILS)
    after = {table: rows(path, f"SELECT count(*) FROM {table}")[0][0] for table in tables}
    assert after == {table: count * (MAILS + 1) for table, count in before.items()}
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "SELECT count(DISTINCT key) FROM idempotency") == [(MAILS + 1,)]
    assert rows(path, "SELECT n FROM tally WHERE state IN ('', 'sent')") == [(MAILS + 1,)] * 2


async def test_a_filled_store_goes_on_working_and_shows_its_mails(tmp_path):
    path = tmp_path / "everpost.db"
    await with_a_sent_mail(path)
    fill(path, MAILS)
    async with opened(str(path)) as store:
        await accept(store, message(5, at=NOW + 5), key("next"))
        newest = await store.list_messages(Filter(project="shop"), None, 3)
        of_one = await store.list_messages(Filter(project="shop", recipient="17bob@example.org"), None, 10)
        counts = await store.counts()
    assert len(newest) == 3
    assert len(of_one) == 1
    assert counts.by_state["queued"] == 1
    assert counts.by_state["sent"] == MAILS + 1


async def test_depths_are_those_of_the_trees(tmp_path):
    path = tmp_path / "everpost.db"
    await with_a_sent_mail(path)
    assert set(depths(path).values()) == {1}
    fill(path, MAILS)
    deep = depths(path)
    assert deep["message"] >= 2
    assert deep["sqlite_autoindex_idempotency_1"] >= 2
    assert deep["config"] == 1
