"""Routes as they are configured, or as changed at run time."""

import asyncio

import pytest
from msgspec.structs import replace

from core_values import route
from engine_kit import CALLER, GONE, TAKEN, World, accepted, elapse, later
from everpost.engine.routes import ROUTES_S
from everpost.model.event import EventType
from everpost.model.key import Caller, Scope
from everpost.model.message import OnUnknown
from everpost.model.problem import Problem
from everpost.model.route import Route, RouteAccount
from everpost.store.port import StoreUnavailable

ANN = Caller(project="shop", who="key-ann", scope=Scope.ADMIN)


def names(found):
    return [entry.account for entry in found.accounts]


async def changes(world):
    told = await world.events()
    return [event for event in told if event.type in (EventType.ROUTE_CHANGED, EventType.DEFAULT_CHANGED)]


async def test_without_a_change_the_routes_are_as_configured(world):
    assert await world.engine().console.routes() == list(world.routes)
    assert (await world.engine().console.route("default")).version == 0


async def test_a_changed_route_holds_over_the_configured_one_and_after_a_restart(world):
    changed = replace(world.routes[0], accounts=route("b", ("a", 2.0)).accounts, on_unknown=OnUnknown.HOLD)
    answered = await world.engine().console.put_route(ANN, changed, 0)
    assert answered == replace(changed, version=1)
    assert await world.engine().console.route("default") == answered


async def test_a_new_route_can_be_used_at_once(world):
    engine = world.engine()
    await engine.console.put_route(ANN, route("b", name="bulk"), None)
    async with world.running(engine):
        assert (await accepted(engine, route="bulk", wait_s=5.0)).deliveries[0].account == "b"


async def test_a_change_holds_in_another_process_within_a_moment(world):
    async with world.running() as here, world.running() as there:
        await accepted(there, wait_s=5.0)
        await here.console.set_default(ANN, "b")
        assert (await accepted(here, wait_s=5.0)).deliveries[0].account == "b"
        await elapse(1.01 * ROUTES_S)
        assert (await accepted(there, wait_s=5.0)).deliveries[0].account == "b"


async def test_who_asks_another_process_is_told_of_a_change_at_once(world):
    here, there = world.engine(), world.engine()
    for account in ("b", "a"):
        await here.console.set_default(ANN, account)
        assert await there.console.default_account() == account
        assert [each.is_default for each in await there.console.accounts()] == [account == "a", account == "b"]
        assert names(await there.console.route("default"))[0] == account
        assert next(names(each)[0] for each in await there.console.routes()) == account


async def test_mail_that_was_accepted_before_follows_the_route_as_it_is_when_it_goes_out(world):
    world.wire.script("a", later(TAKEN, 1.0))
    async with world.running() as engine:
        stored = await accepted(engine, send_at=world.clock.now() + 10)
        await engine.console.set_default(ANN, "b")
        assert (await world.ended(stored)).account == "b"


async def test_mail_whose_route_is_gone_goes_the_default_way(world):
    world.routes = (*world.routes, replace(world.routes[0], name="bulk", accounts=route("b").accounts))
    stored = await accepted(world.engine(), route="bulk")
    world.routes = world.routes[:1]
    async with world.running():
        assert (await world.ended(stored)).account == "a"


# --- the default account ---------------------------------------------------------------------------------------------


async def test_a_change_of_the_default_account_is_told_with_who_and_when_and_from_what_to_what(world):
    engine = world.engine()
    await elapse(100.0)
    await engine.console.set_default(ANN, "b")
    changed, default_changed = await changes(world)
    assert (changed.type, default_changed.type) == (EventType.ROUTE_CHANGED, EventType.DEFAULT_CHANGED)
    about = {"route": "default", "by": "key-ann", "accounts": ["b", "a"]}
    assert changed.data == about
    assert default_changed.data == about | {"from": "a", "to": "b"}
    assert {event.at for event in (changed, default_changed)} == {world.clock.now()}
    assert await engine.console.default_account() == "b"


async def test_the_same_default_again_is_no_change_of_it(world):
    engine = world.engine()
    await engine.console.set_default(ANN, "a")
    assert [event.type for event in await changes(world)] == [EventType.ROUTE_CHANGED]


async def test_who_becomes_the_default_is_neither_outvoted_nor_paused():
    world = World("a", "b", "c")
    paused = (RouteAccount(account="a", weight=5.0), RouteAccount(account="c", weight=1.0, paused=True))
    world.routes = (replace(world.routes[0], accounts=paused),)
    changed = await world.engine().console.set_default(ANN, "c")
    assert changed.accounts == (RouteAccount(account="c"), RouteAccount(account="a"))
    changed = await world.engine().console.set_default(ANN, "b")
    assert names(changed) == ["b", "c", "a"]


async def test_the_others_stay_paused():
    world = World("a", "b")
    world.routes = (replace(world.routes[0], accounts=(RouteAccount(account="a", paused=True), *route("b").accounts)),)
    changed = await world.engine().console.set_default(ANN, "b")
    assert changed.accounts == (RouteAccount(account="b"), RouteAccount(account="a", paused=True))


async def test_an_account_that_does_not_exist_can_not_become_the_default(world):
    problem = await world.engine().console.set_default(ANN, "c")
    assert (problem.code, problem.status) == ("unknown_provider", 404)
    assert problem.detail == "unknown provider 'c'; known: a, b"
    assert await changes(world) == []


# --- who else is changing it -----------------------------------------------------------------------------------------


async def test_a_change_of_a_version_that_is_no_longer_the_current_one_is_refused(world):
    engine = world.engine()
    first = await engine.console.put_route(ANN, world.routes[0], 0)
    second = await engine.console.put_route(ANN, first, first.version)
    assert second.version == 2
    problem = await world.engine().console.put_route(ANN, first, first.version)
    assert (problem.code, problem.status) == ("version_conflict", 412)
    assert problem.detail == "the route has version 2, not 1; read it and try again"
    assert len(await changes(world)) == 2


async def test_who_names_no_version_changes_whatever_is_there(world):
    for expected in (1, 2, 3):
        assert (await world.engine().console.put_route(ANN, world.routes[0], None)).version == expected


async def test_who_names_no_version_changes_what_another_process_has_just_written(world):
    here, there = world.engine(), world.engine()
    await there.console.routes()
    await here.console.set_default(ANN, "b")
    assert (await there.console.put_route(ANN, world.routes[0], None)).version == 2
    assert [event.data.get("to") for event in await changes(world)] == [None, "b", None, "a"]


async def test_every_change_of_a_route_is_an_event_of_its_own(world):
    for name in ("default", "bulk"):
        for _ in range(3):
            await world.engine().console.put_route(ANN, replace(world.routes[0], name=name), None)
    assert len({event.id for event in await changes(world)}) == 6


async def test_of_simultaneous_changes_of_a_version_one_holds(world):
    engines = [world.engine() for _ in range(10)]
    answers = await asyncio.gather(*(engine.console.put_route(ANN, world.routes[0], 0) for engine in engines))
    assert [isinstance(answer, Route) for answer in answers].count(True) == 1
    assert {answer.code for answer in answers if isinstance(answer, Problem)} == {"version_conflict"}
    assert len(await changes(world)) == 1


# --- faulty routes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accounts", "faults"),
    [
        (route("a", "x").accounts, {"accounts[1].account": "unknown account 'x'; known: a, b"}),
        ((), {"accounts": "must name at least one account"}),
        (route("a", "b", "a").accounts, {"accounts": "names an account twice"}),
        (route("a", ("b", -0.5)).accounts, {"accounts[1].weight": "must not be negative"}),
        (
            route("x", ("a", -1.0), "a").accounts,
            {
                "accounts[0].account": "unknown account 'x'; known: a, b",
                "accounts": "names an account twice",
                "accounts[1].weight": "must not be negative",
            },
        ),
    ],
)
async def test_a_faulty_route_is_told_all_its_faults_and_changes_nothing(world, accounts, faults):
    problem = await world.engine().console.put_route(ANN, replace(world.routes[0], accounts=accounts), None)
    assert (problem.code, problem.status) == ("validation_failed", 422)
    assert {error.field: error.message for error in problem.errors} == faults
    assert await world.store.read_config("") == {}


async def test_a_route_that_does_not_exist_is_named_with_those_that_do(world):
    problem = await world.engine().console.route("fast")
    assert (problem.code, problem.status, problem.detail) == (
        "unknown_route",
        404,
        "unknown route 'fast'; known: default",
    )


# --- a store in trouble ----------------------------------------------------------------------------------------------


async def test_while_the_store_is_away_the_routes_are_as_last_seen(world):
    engine = world.engine()
    with_store = await engine.console.set_default(ANN, "b")
    await engine.console.routes()
    world.store.fails["read_config"] = GONE
    await elapse(60.0)
    assert await engine.console.route("default") == with_store
    with pytest.raises(StoreUnavailable):
        await world.engine().console.routes()


async def test_a_change_that_can_not_be_stored_is_none(world):
    engine = world.engine()
    world.store.fails["write_config"] = GONE
    with pytest.raises(StoreUnavailable):
        await engine.console.set_default(CALLER, "b")
    assert await engine.console.default_account() == "a"


async def test_the_routes_are_not_read_for_every_mail(world):
    engine = world.engine()
    for _ in range(50):
        await accepted(engine)
    assert world.store.called["read_config"] == 1
