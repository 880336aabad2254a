"""What a store promises of the audit trail."""

from msgspec.structs import replace

from store_values import (
    accept,
    change,
    message,
    system_event,
)


async def test_events_are_numbered_without_gaps_in_the_order_of_the_writes(store):
    (one,) = await accept(store, message(1))
    await accept(store, message(2))
    await store.begin([change(replace(one, version=7))])
    await store.record([system_event("a"), system_event("b"), system_event("a")])
    await store.record([system_event("b")])
    await store.begin([change(one)])

    recorded = await store.read_events(0, 100)

    assert [one.seq for one in recorded] == list(range(recorded[0].seq, recorded[0].seq + 5))
    assert [one.event.id for one in recorded] == [
        f"{message(1).id}.0:0",
        f"{message(2).id}.0:0",
        "a",
        "b",
        f"{message(1).id}.0:1",
    ]


async def test_events_are_read_from_a_cursor_on_page_by_page(store):
    await store.record([system_event(str(number)) for number in range(5)])
    first = await store.read_events(0, 2)
    second = await store.read_events(first[-1].seq, 2)
    assert [one.event.id for one in first + second] == ["0", "1", "2", "3"]


async def test_events_are_narrowed_to_a_project_and_to_a_message(store):
    await accept(store, message(1))
    await accept(store, message(2, project="other"))
    await store.record([system_event("a"), system_event("b", project="shop")])

    async def ids(**narrowed):
        return [one.event.id for one in await store.read_events(0, 10, **narrowed)]

    assert await ids(project="shop") == [f"{message(1).id}.0:0", "b"]
    assert await ids(message_id=message(2).id) == [f"{message(2).id}.0:0"]
    assert await ids(project="shop", message_id=message(2).id) == []
    assert await ids(message_id=message(3).id) == []
