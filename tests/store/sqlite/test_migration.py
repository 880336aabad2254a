"""A file of an older Everpost, with all that lies in it."""

import apsw
import pytest

from everpost.model.delivery import DeliveryState
from everpost.model.message import Address
from everpost.model.suppression import Suppression
from everpost.store.packing import message_content, message_head
from everpost.store.port import StoreUnavailable
from everpost.store.sqlite import SqliteStore
from everpost.store.sqlite.accepting import _INSERT_DELIVERY, _INSERT_KEY, _INSERT_MESSAGE, _INSERT_RECIPIENT
from everpost.store.sqlite.bulk import execute
from everpost.store.sqlite.rows import delivery_row
from everpost.store.sqlite.schema import MIGRATIONS
from store_values import NOW, begun, bounds, delivery, message, system_event


@pytest.fixture
def path(tmp_path):
    """Of version 1, as it was released: with a sent mail, a kept answer, and somebody who must not be written to."""
    path = str(tmp_path / "everpost.db")
    of = message(1)
    one = delivery(of, state=DeliveryState.SENT, due_at=None)
    connection = apsw.Connection(path)
    connection.execute(MIGRATIONS[0])
    connection.execute("PRAGMA user_version = 1")
    execute(connection, _INSERT_MESSAGE, [(of.project, of.id, of.created_at, message_head(of), message_content(of))])
    execute(connection, _INSERT_DELIVERY, [delivery_row(one)])
    execute(connection, _INSERT_RECIPIENT, [("shop", "bob@example.org", of.id)])
    execute(connection, _INSERT_KEY, [("shop:send", "k", b"f", of.id, None, of.created_at)])
    connection.execute("UPDATE idempotency SET answer = ?", (b"sent to bob",))
    connection.execute("INSERT INTO suppression VALUES ('shop', 'eve@example.net', 'complained', ?)", (NOW,))
    connection.close()
    return path


async def test_it_is_brought_to_the_newest_form_and_nothing_is_lost(path):
    store = SqliteStore.open(path)
    row = Suppression(project="shop", address="eve@example.net", reason="complained", created_at=NOW)
    assert await store.suppressed("shop", ["Eve@example.net"]) == [row]
    assert type(await begun(store, message(2, to=(Address("eve@example.net"),)))).__name__ == "Unbegun"
    assert (await store.find_key("shop:send", "k", b"f")).answer == b"sent to bob"
    assert await store.erase("shop", "bob@example.org", "t@erased.invalid", system_event("e"), 9) == 1
    assert (await store.find_key("shop:send", "k", b"f")).answer is None
    assert await store.purge(bounds(0.0, 0.0, addresses=NOW + 2), 9) == 1
    await store.close()


async def test_once_brought_there_it_is_left_alone_and_an_older_everpost_would_refuse_it(path):
    for _ in range(2):
        await SqliteStore.open(path).close()
    connection = apsw.Connection(path)
    assert connection.pragma("user_version") == len(MIGRATIONS)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreUnavailable, match="made by a newer Everpost"):
        SqliteStore.open(path)
    connection.close()
