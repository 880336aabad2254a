"""What a store promises of suppressions."""

from msgspec.structs import replace

from everpost.model.message import Address
from everpost.model.suppression import Source, Suppression
from everpost.store.port import New, Unbegun
from store_values import NOW, begun, bounds, message, system_event

BOB = Suppression(project="shop", address="bob@example.org", reason="bounced", created_at=NOW)
NEWS = replace(BOB, stream="news", source=Source.UNSUBSCRIBE, reason="left", expires_at=NOW + 60)


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
    found = await store.list_suppressions("shop", prefix, (after, ""), limit)
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


async def test_an_address_has_one_for_all_mail_and_one_for_each_stream(store):
    rows = [BOB, NEWS, replace(NEWS, stream="offers"), replace(BOB, address="carol@example.net")]
    await store.suppress(rows, [])
    assert await store.suppressed("shop", ["bob@example.org"]) == [BOB]
    assert await store.suppressed("shop", ["BOB@example.org"], "news") == [BOB, NEWS]
    assert await store.suppressed("shop", ["bob@example.org"], "new") == [BOB]
    await store.unsuppress("shop", ["bob@example.org"], [])
    assert await store.suppressed("shop", ["bob@example.org"], "news") == [NEWS]
    await store.unsuppress("shop", ["Bob@example.org"], [], "news")
    assert await store.suppressed("shop", ["bob@example.org"], "news") == []
    assert await store.list_suppressions("shop", "", ("", ""), 9) == rows[2:]


async def test_those_of_an_address_are_listed_by_their_streams_from_page_to_page(store):
    near = [replace(BOB, address=address) for address in ("bob@example", "bob@example.orga", "bob@example.org-x")]
    of_bob = [BOB, NEWS, replace(NEWS, stream="offers")]
    await store.suppress([*near, *reversed(of_bob)], [])
    every = sorted([*near, *of_bob], key=lambda row: (row.address, row.stream))
    found, after = [], ("", "")
    while page := await store.list_suppressions("shop", "", after, 2):
        found += page
        after = (page[-1].address, page[-1].stream)
    assert found == every
    assert await store.list_suppressions("shop", "bob@example.org", ("bob@example.org", "news"), 1) == [of_bob[2]]


async def test_a_mail_is_stopped_at_its_acceptance_by_what_may_stop_its_stream(store):
    await store.suppress([NEWS], [])
    assert await begun(store, message(1)) == New()
    assert await begun(store, message(2, stream="offers")) == New()
    assert await begun(store, message(3, stream="news", to=(Address("BOB@example.org"),))) == Unbegun()
    await store.suppress([BOB], [])
    assert await begun(store, message(4, stream="offers")) == Unbegun()


async def test_an_erased_address_stays_suppressed_for_each_stream(store):
    await store.suppress([BOB, NEWS, replace(NEWS, project="other")], [])
    await store.erase("shop", "BOB@example.org", "t@erased.invalid", system_event("erased"), 9)
    assert await store.list_suppressions("shop", "", ("", ""), 9) == []
    assert await store.suppressed("shop", ["bob@example.org"], "news") == [BOB, NEWS]
    assert [row.address for row in await store.list_suppressions("other", "", ("", ""), 9)] == ["bob@example.org"]
    await store.unsuppress("shop", ["bob@example.org"], [], "news")
    assert await store.suppressed("shop", ["bob@example.org"], "news") == [BOB]
    assert [one.event.id for one in await store.read_events(0, 9)] == ["erased"]


async def test_what_has_expired_is_purged_and_what_has_not_stays(store):
    later = replace(NEWS, stream="offers", expires_at=NOW + 61)
    erased = replace(NEWS, address="eve@example.net")
    await store.suppress([BOB, NEWS, later, erased], [])
    await store.erase("shop", "eve@example.net", "t@erased.invalid", system_event("erased"), 9)
    assert await store.purge(bounds(0.0, 0.0, suppressions=NOW + 59), 9) == 0
    assert await store.purge(bounds(0.0, 0.0), 9) == 0
    assert await store.purge(bounds(0.0, 0.0, suppressions=NOW + 60), 1) == 1
    assert await store.purge(bounds(0.0, 0.0, suppressions=NOW + 60), 9) == 1
    assert await store.list_suppressions("shop", "", ("", ""), 9) == [BOB, later]
    assert await store.suppressed("shop", ["eve@example.net"], "news") == []


async def test_one_that_was_renewed_before_its_end_was_seen_to_is_not_purged(store):
    await store.suppress([NEWS], [])
    await store.suppress([replace(NEWS, expires_at=None)], [])
    assert await store.purge(bounds(0.0, 0.0, suppressions=NOW + 99), 9) == 0
    assert len(await store.suppressed("shop", ["bob@example.org"], "news")) == 1
