"""What a store promises of documents and suppressions."""

import pytest
from msgspec.structs import replace

from everpost.store.port import (
    Document,
    Suppression,
)
from store_values import (
    NOW,
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


async def test_suppressed_addresses_are_found_in_any_case_of_letters(store):
    rows = [
        Suppression(project="shop", address=f"bob@example.{end}", reason="r", created_at=NOW)
        for end in ("com", "net", "org")
    ]
    await store.suppress(rows, [system_event("a")])
    assert await store.suppressed("shop", ["BOB@Example.net", "ann@example.org", "bob@example.com"]) == rows[:2]
    assert await store.suppressed("other", ["bob@example.com"]) == []
    await store.unsuppress("shop", ["Bob@example.com"], [system_event("b")])
    assert await store.suppressed("shop", ["bob@example.com", "bob@example.org"]) == rows[2:]
    assert [one.event.id for one in await store.read_events(0, 10)] == ["a", "b"]


async def test_the_newest_reason_of_a_suppression_is_kept(store):
    row = Suppression(project="shop", address="bob@example.org", reason="bounced", created_at=NOW)
    newer = replace(row, reason="complained", created_at=NOW + 1)
    await store.suppress([row], [])
    await store.suppress([newer], [])
    assert await store.suppressed("shop", ["bob@example.org"]) == [newer]


def barred(*names, project="shop"):
    return [Suppression(project=project, address=f"{name}@example.org", reason="r", created_at=NOW) for name in names]


async def names_of(store, prefix="", after="", limit=10):
    found = await store.list_suppressions("shop", prefix, after, limit)
    assert all((one.project, one.reason, one.created_at) == ("shop", "r", NOW) for one in found)
    return [one.address.partition("@")[0] for one in found]


async def test_suppressions_of_a_project_are_listed_in_order_from_page_to_page(store):
    await store.suppress(barred("bob", "ann", "b", "dora", "zoë", "zoe"), [])
    await store.suppress(barred("eve", project="other"), [])
    assert await names_of(store) == ["ann", "b", "bob", "dora", "zoe", "zoë"]
    assert await names_of(store, limit=2) == ["ann", "b"]
    assert await names_of(store, after="b@example.org", limit=2) == ["bob", "dora"]
    assert await names_of(store, after="zoë@example.org") == []


async def test_suppressions_are_found_by_how_their_address_begins(store):
    await store.suppress(barred("ann", "bob", "bobby", "carol"), [])
    assert await names_of(store, "bob") == ["bob", "bobby"]
    assert await names_of(store, "bob@example.org") == ["bob"]
    assert await names_of(store, "bob", after="bob@example.org") == ["bobby"]
    assert await names_of(store, "bob", after="carol@example.org") == []
    assert await names_of(store, "b%") == []


async def test_what_is_no_longer_suppressed_is_no_longer_listed(store):
    await store.suppress(barred("ann", "bob"), [])
    await store.unsuppress("shop", ["Ann@example.org"], [])
    assert await names_of(store) == ["bob"]
    await store.erase("shop", "BOB@example.org", "token@erased.invalid", system_event("erased"), 10)
    assert await names_of(store) == []
    await store.suppress(barred("bob"), [])
    assert await names_of(store) == ["bob"]


async def test_many_are_suppressed_at_once(store):
    names = [f"n{number:03}" for number in range(120)]
    await store.suppress(barred(*names), [system_event("a")])
    assert await names_of(store, limit=200) == names
    await store.unsuppress("shop", [f"{name}@example.org" for name in names], [system_event("b")])
    assert await names_of(store) == []
    assert [one.event.id for one in await store.read_events(0, 10)] == ["a", "b"]
