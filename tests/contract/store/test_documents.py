"""What a store promises of documents."""

import pytest

from everpost.store.port import Document
from store_values import (
    system_event,
)


async def test_a_document_is_written_over_the_version_that_was_seen(store):
    assert await store.write_config("route/a", b"1", 0) == Document(b"1", 1)
    assert await store.write_config("route/a", b"2", 1) == Document(b"2", 2)
    assert await store.write_config("route/a", b"3", None) == Document(b"3", 3)
    assert await store.read_config("route/") == {"route/a": Document(b"3", 3)}


@pytest.mark.parametrize("was", [0, 2])
async def test_a_document_that_has_changed_meanwhile_is_left_alone(store, was):
    await store.write_config("route/a", b"1", 0)
    assert await store.write_config("route/a", b"other", was, [system_event("a")]) is None
    assert await store.read_config("") == {"route/a": Document(b"1", 1)}
    assert await store.read_events(0, 10) == []


async def test_a_document_is_written_with_its_events(store):
    await store.write_config("route/a", b"1", 0, [system_event("a")])
    assert [one.event.id for one in await store.read_events(0, 10)] == ["a"]


async def test_a_deleted_document_is_gone(store):
    await store.write_config("route/a", b"1", 0)
    assert await store.write_config("route/a", None, 2) is None
    assert await store.write_config("route/a", None, 1) == Document(b"", 0)
    assert await store.read_config("") == {}
    assert await store.write_config("route/a", b"1", 0) == Document(b"1", 1)


async def test_documents_are_read_by_their_prefix_in_order(store):
    for name in ("key/b", "key/a", "keys", "key", "route/a", "key/ä", "key_"):
        await store.write_config(name, b"", 0)
    assert list(await store.read_config("key/")) == ["key/a", "key/b", "key/ä"]
