"""Several processes may have the file open, and what is no database of ours is refused."""

import asyncio

import apsw
import pytest

from everpost.store.port import Same, StoreUnavailable, Written
from everpost.store.sqlite import SqliteStore
from sqlite_stores import known, opened
from store_values import LATE, NOW, accept, change, delivery, key, message


async def test_a_second_handle_sees_what_the_first_has_written(path):
    async with opened(path) as first, opened(path) as second:
        (one,) = await accept(first, message(), key())
        assert await second.find_delivery(one.id) == one
        again = await second.accept(message(2), [delivery(message(2))], [], key(), LATE)
        assert again == Same(message_id=message().id, running_until=None, answer=None)
        assert await second.begin([change(one)]) == [Written.DONE]
        assert await first.advance([change(one)]) == [Written.FENCED]


async def test_claims_of_two_handles_never_overlap(path):
    async with opened(path) as first, opened(path) as second:
        await asyncio.gather(*(accept(first, message(number)) for number in range(1, 201)))
        stores = [first, second] * 20
        claims = await asyncio.gather(*(store.claim_due(NOW + 999, 60.0, 7) for store in stores))
        claimed = [one.delivery.id for claim in claims for one in claim.claimed]
        assert len(claimed) == len(set(claimed)) == 200


async def test_several_may_create_the_file_at_once(path):
    stores = await asyncio.gather(*(asyncio.to_thread(SqliteStore.open, path) for _ in range(8)))
    await asyncio.gather(*(accept(store, message(number)) for number, store in enumerate(stores, 1)))
    for store in stores:
        await store.close()
    assert len(await known(path)) == 8


async def test_a_database_of_a_newer_everpost_is_refused(path):
    async with opened(path):
        pass
    connection = apsw.Connection(path)
    connection.pragma("user_version", 7)
    connection.close()
    with pytest.raises(StoreUnavailable, match=r"version 7, made by a newer Everpost; this one knows .* up to [0-9]+:"):
        SqliteStore.open(path)


@pytest.mark.parametrize(
    ("name", "words"), [("missing/everpost.db", "can't be opened"), ("notes.txt", "not an SQLite database")]
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(tmp_path, name, words):
    (tmp_path / "notes.txt").write_text("These are notes, and a good deal longer than the head of a database. " * 20)
    with pytest.raises(StoreUnavailable, match=words) as caught:
        SqliteStore.open(str(tmp_path / name))
    assert name in str(caught.value)
