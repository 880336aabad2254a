"""What people turn while mail goes on: each with who and why on the trail."""

import pytest
from msgspec.structs import replace

from core_values import route
from engine_kit import CALLER, DOWN, World, accepted, barred, draft, elapse
from everpost.core.explain import Prospect
from everpost.engine.probing import Verdict
from everpost.engine.steering import WAITING_S
from everpost.model.event import EventType
from everpost.model.message import Address
from everpost.model.problem import Problem
from everpost.providers.contract import HttpRequest
from sim.providers import PROVIDER


def facts(event):
    return event.account, event.data


async def paused(console):
    return {one.name: [entry.account for entry in one.accounts if entry.paused] for one in await console.routes()}


@pytest.fixture
def wide():
    """Two routes, of which one does not name `c`."""
    world = World("a", "b", "c")
    world.routes = (*world.routes, replace(world.routes[0], name="bulk", accounts=route("b", "a").accounts))
    return world


async def test_an_account_is_paused_on_every_route_that_names_it_and_comes_back_to_its_places(wide):
    console = wide.engine().console
    changed = await console.steering.pause(CALLER, "b", "they have maintenance", paused=True)
    assert sorted(one.name for one in changed) == ["bulk", "default"]
    assert await paused(console) == {"default": ["b"], "bulk": ["b"]}
    told = await wide.events(EventType.ACCOUNT_PAUSED)
    assert sorted(facts(event)[1]["route"] for event in told) == ["bulk", "default"]
    reason = {"by": CALLER.who, "reason": "they have maintenance"}
    assert [facts(event) for event in told] == [("b", reason | {"route": event.data["route"]}) for event in told]
    assert {event.data["reason"] for event in await wide.events(EventType.ROUTE_CHANGED)} == {"they have maintenance"}
    await console.steering.pause(CALLER, "b", "", paused=False)
    assert await paused(console) == {"default": [], "bulk": []}
    assert [event.data.get("reason") for event in await wide.events(EventType.ACCOUNT_RESUMED)] == [None, None]


async def test_to_pause_what_is_paused_changes_nothing(wide):
    console = wide.engine().console
    for _ in range(2):
        await console.steering.pause(CALLER, "c", "", paused=True)
    assert len(await wide.events(EventType.ACCOUNT_PAUSED)) == 1
    assert (await console.route("default")).version == 1


async def test_a_paused_account_takes_no_mail(wide):
    async with wide.running() as engine:
        await engine.console.steering.pause(CALLER, "a", "", paused=True)
        assert (await accepted(engine, wait_s=5.0)).deliveries[0].account == "b"


async def test_an_account_that_is_not_there_can_be_neither_paused_nor_probed(wide):
    steering = wide.engine().console.steering
    for answer in (await steering.pause(CALLER, "z", "", paused=True), await steering.probe(CALLER, "z", "")):
        assert isinstance(answer, Problem)
        assert (answer.code, answer.detail) == ("unknown_account", "unknown account 'z'; known: a, b, c")


async def test_a_probe_is_told_and_leaves_the_circuit_as_it_is():
    request = HttpRequest(method="GET", url="sim://a/lookup", headers={})
    world = World("a", provider=replace(PROVIDER, probe=lambda _: request, probe_refused=frozenset({404})))
    console = world.engine().console
    assert (await console.steering.probe(CALLER, "a", "")).verdict is Verdict.REFUSED
    [event] = await world.events(EventType.ACCOUNT_PROBED)
    assert (event.account, event.data["by"], event.data["verdict"]) == ("a", CALLER.who, "refused")
    assert "reason" not in event.data
    [status] = await console.accounts()
    assert status.health.failures == 0
    assert world.wire.sent == []


# --- where a mail would go --------------------------------------------------------------------------------------------


async def test_an_explanation_is_what_happens_to_the_next_mail_and_leaves_nothing_behind(world):
    world.wire.script("a", DOWN)
    async with world.running() as engine:
        for _ in range(8):
            await accepted(engine)
        await elapse(1.0)
        before = await world.store.counts()
        found = await engine.console.steering.explain("shop", draft(), 10)
        assert (found.explanation.account, found.explanation.reason) == ("b", "it is number 2 of the route")
        assert "its circuit is open" in found.explanation.candidates[0].reason
        assert await world.store.counts() == before
        assert (await accepted(engine, wait_s=5.0)).deliveries[0].account == "b"


async def test_the_size_decides_as_that_of_a_real_mail_would(world):
    steering = world.engine().console.steering
    found = (await steering.explain("shop", draft(), PROVIDER.limits.content_bytes_max + 1)).explanation
    assert found.prospect is Prospect.REFUSED
    assert "bytes of content are more than its" in found.reason
    assert (await steering.explain("shop", draft(), PROVIDER.limits.content_bytes_max)).explanation.account == "a"


async def test_what_a_provider_can_not_express_is_told():
    fault = {"fault": lambda mail: "it can't say that" if mail.tags else None}
    steering = World("a", provider=replace(PROVIDER, **fault)).engine().console.steering
    found = (await steering.explain("shop", draft(tags=("x",)), 0)).explanation
    assert (found.prospect, found.reason) == (Prospect.REFUSED, "a: it can't say that")


async def test_recipients_that_must_not_be_written_to_are_named(world):
    console = world.engine().console
    await console.suppressing.put(CALLER, [barred("eve@example.net", "they asked")])
    mail = draft(to=(Address("bob@example.org"), Address("Eve@example.net")))
    assert (await console.steering.explain("shop", mail, 0)).suppressed == ("eve@example.net",)
    assert (await console.steering.explain("other", mail, 0)).suppressed == ()


async def test_an_unknown_route_explains_nothing(world):
    answer = await world.engine().console.steering.explain("shop", draft(route="fast"), 0)
    assert isinstance(answer, Problem)
    assert answer.code == "unknown_route"


# --- what waits -------------------------------------------------------------------------------------------------------


async def test_mail_that_waits_is_counted_at_the_account_that_it_waits_for(world):
    world.wire.script("a", DOWN)
    world.wire.script("b", DOWN)
    engine = world.engine()
    assert await engine.console.steering.waiting("shop") == {}
    async with world.running(engine):
        for _ in range(12):
            await accepted(engine)
        await accepted(engine, send_at=world.clock.now() + 3600)
        await elapse(1.01 * WAITING_S)
        assert await engine.console.steering.waiting("shop") == {"a": 12}
        assert await engine.console.steering.waiting("other") == {}
        await engine.console.steering.pause(CALLER, "a", "", paused=True)
        assert await engine.console.steering.waiting("shop") == {"a": 12}
        await elapse(1.01 * WAITING_S)
        assert await engine.console.steering.waiting("shop") == {"b": 12}
