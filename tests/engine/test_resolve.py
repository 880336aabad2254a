"""What may have been sent is resolved before it is sent elsewhere."""

import asyncio

import pytest
from msgspec.structs import replace

from engine_kit import (
    GONE,
    LOST,
    LOST_BUT_TAKEN,
    MUTE,
    PROVIDER,
    TAKEN,
    Reply,
    World,
    accepted,
    account,
    elapse,
    later,
    status,
)
from everpost.core.resolving import patience_s
from everpost.engine.deliver import CLAIM_LEASE_S
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.limits import LOOKUP_REQUESTS_MAX, RESOLVING_MAX
from everpost.model.message import OnUnknown
from everpost.providers.contract import Absent, Ask, Fault, Found, HttpRequest, Phase, Unclear
from sim.world import LAG_S
from store_values import NOW

SENT, HELD, QUEUED, UNCERTAIN = (
    DeliveryState.SENT,
    DeliveryState.HELD,
    DeliveryState.QUEUED,
    DeliveryState.UNCERTAIN,
)
ABSENT = status(404)
NEEDED_S = patience_s(account("a"), LAG_S)
SILENCE = Reply(Fault(phase=Phase.ANSWER, maybe_sent=True, text="no answer in time"), after_s=10.0)


async def in_doubt(world, engine, **fields):
    """A mail whose outcome at account a is unknown."""
    stored = await accepted(engine, **fields)
    async with asyncio.timeout(10):
        while (await world.delivery(stored)).state is not UNCERTAIN:
            await elapse(0.01)
    return stored


async def verdicts(world):
    return [(event.data["verdict"], event.data.get("action")) for event in await world.events(EventType.RESOLVED)]


# --- what a question finds -------------------------------------------------------------------------------------------


async def test_what_the_provider_has_is_sent_and_keeps_its_id(world):
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=5.0)
    one = stored.deliveries[0]
    assert (one.state, one.account, one.provider_message_id) == (SENT, "a", f"a:{one.id}")
    assert await world.attempts(stored) == [("a", "unknown")]
    assert await verdicts(world) == [("found", None)]


async def test_what_shows_up_late_in_the_records_is_found_late(world):
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", *[ABSENT] * 6, None)
    async with world.running() as engine:
        stored = await accepted(engine)
        assert (await world.ended(stored)).state is SENT
    assert world.wire.accounts() == ["a"]


async def test_absence_is_believed_only_when_it_was_seen_twice_far_enough_apart(world):
    world.wire.script("a", LOST)
    async with world.running() as engine:
        stored = await accepted(engine)
        one = await world.ended(stored)
    assert (one.state, one.account) == (SENT, "b")
    first, second = (request for request in world.wire.sent)
    assert second.at - first.at >= NEEDED_S
    assert second.at - first.at < NEEDED_S + 5.0
    assert await verdicts(world) == [("absent", None)]


async def test_a_look_that_began_too_early_proves_nothing_although_its_answer_came_late(world):
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", *[ABSENT] * 7, later(ABSENT, 4.0), None)
    async with world.running() as engine:
        stored = await accepted(engine)
        one = await world.ended(stored)
    eighth = world.wire.asked[7]
    first = world.wire.asked[0]
    assert eighth.at - first.at < NEEDED_S < eighth.at + 4.0 - first.at
    assert (one.state, one.account) == (SENT, "a")
    assert world.wire.accounts() == ["a"]


async def test_a_first_look_of_a_process_that_died_does_not_count(world):
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", *[ABSENT] * 6, None)
    async with world.running() as engine:
        stored = await in_doubt(world, engine)
        await elapse(1.0)
    asked = len(world.wire.asked)
    assert asked > 0
    world.wire.script_lookups("a", ABSENT, None)
    await elapse(10 * NEEDED_S)
    async with world.running():
        one = await world.ended(stored)
    assert len(world.wire.asked) == asked + 2
    assert (one.state, one.account) == (SENT, "a")


@pytest.mark.parametrize("trouble", [status(503), SILENCE], ids=["error", "silence"])
async def test_a_question_without_an_answer_is_never_taken_for_absence(world, trouble):
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", trouble)
    async with world.running() as engine:
        stored = await in_doubt(world, engine, on_unknown=OnUnknown.HOLD, resolve_within_s=20 * NEEDED_S)
        await elapse(19 * NEEDED_S)
        assert (await world.delivery(stored)).state is UNCERTAIN
        assert (await world.ended(stored, 2 * NEEDED_S)).state is HELD
    assert world.wire.accounts() == ["a"]


async def test_absence_between_errors_counts_from_its_first_sight(world):
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503), ABSENT, *[status(503)] * 9, ABSENT)
    async with world.running() as engine:
        stored = await accepted(engine)
        assert (await world.ended(stored)).account == "b"
    assert len(world.wire.asked) == 12


async def test_a_question_that_takes_longer_than_a_claim_is_answered_all_the_same(world):
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", later(status(200), CLAIM_LEASE_S + 3.0))
    async with world.running() as engine:
        stored = await accepted(engine)
        assert (await world.ended(stored, 2 * CLAIM_LEASE_S)).state is SENT
    assert len(world.wire.asked) == 1


async def test_a_worker_that_was_lost_leaves_a_question_and_no_second_mail(world):
    world.wire.script("a", later(TAKEN, 1.0))
    engine = world.engine()
    process = asyncio.create_task(engine.run(asyncio.Event()))
    await elapse(0.01)
    stored = await accepted(engine)
    await elapse(0.5)
    process.cancel()  # nobody reads the answer
    async with world.running():
        assert (await world.ended(stored)).state is SENT
    assert world.wire.accounts() == ["a"]


# --- what nobody can tell --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route_policy", "own_policy", "state"),
    [
        (OnUnknown.RESEND, None, SENT),
        (OnUnknown.HOLD, None, HELD),
        (OnUnknown.RESEND, OnUnknown.HOLD, HELD),
        (OnUnknown.HOLD, OnUnknown.RESEND, SENT),
    ],
)
async def test_what_stays_unknown_is_resent_or_held_as_the_mail_or_else_its_route_says(route_policy, own_policy, state):
    world = World("a", "b", on_unknown=route_policy, resolve_within_s=30.0)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await accepted(engine, on_unknown=own_policy)
        one = await world.ended(stored)
    assert one.state is state
    assert world.wire.accounts() == (["a", "b"] if state is SENT else ["a"])
    assert await verdicts(world) == [("unresolved", "resend" if state is SENT else "hold")]


@pytest.mark.parametrize(("own_s", "within_s"), [(None, 30.0), (10.0, 10.0), (55.0, 55.0)])
async def test_certainty_is_sought_for_as_long_as_the_mail_or_else_its_route_says(own_s, within_s):
    world = World("a", on_unknown=OnUnknown.HOLD, resolve_within_s=30.0)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await accepted(engine, resolve_within_s=own_s)
        began_at = world.clock.now()
        one = await world.ended(stored)
    assert within_s <= one.updated_at - began_at < within_s + 35.0  # the last pause
    assert one.reason == "it is unknown whether a has it: status 503"


async def test_a_mail_that_has_expired_meanwhile_is_held_and_not_sent_again():
    world = World("a", "b", on_unknown=OnUnknown.RESEND, resolve_within_s=30.0)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await accepted(engine, expires_at=NOW + 20)
        assert (await world.ended(stored)).state is HELD
    assert world.wire.accounts() == ["a"]


@pytest.mark.parametrize(("policy", "state"), [(OnUnknown.HOLD, HELD), (OnUnknown.RESEND, SENT)])
async def test_where_the_provider_can_not_be_asked_the_policy_applies_at_once(policy, state):
    world = World("a", "b", provider=MUTE, on_unknown=policy)
    world.wire.script("a", LOST)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=5.0)
    assert stored.deliveries[0].state is state
    assert world.wire.asked == []
    [resolved] = await world.events(EventType.RESOLVED)
    assert resolved.data["reason"] == "a has no way to ask"


async def test_where_the_account_is_gone_the_policy_applies_and_says_why():
    world = World("a", "b", on_unknown=OnUnknown.HOLD)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", SILENCE)
    async with world.running() as engine:
        stored = await in_doubt(world, engine)
    world.accounts = world.accounts[1:]
    async with world.running():
        one = await world.ended(stored)
    assert (one.state, one.reason) == (HELD, "it is unknown whether a has it: its account is no longer configured")


async def test_a_mail_whose_route_is_gone_follows_the_default_route():
    world = World("a", "b", on_unknown=OnUnknown.HOLD, resolve_within_s=30.0)
    bulk = replace(world.routes[0], name="bulk", on_unknown=OnUnknown.RESEND)
    world.routes = (*world.routes, bulk)
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", status(503))
    async with world.running() as engine:
        stored = await in_doubt(world, engine, route="bulk")
    world.routes = world.routes[:1]
    async with world.running():
        assert (await world.ended(stored)).state is HELD


# --- questions of several requests -----------------------------------------------------------------------------------


def paged(pages, last):
    """A provider whose records fill so many pages, each of which leads to the next."""

    def read(sought, answer):
        page = int(answer.headers["page"])
        if page == pages:
            return last
        return Ask((request_of(page + 1),))

    def request_of(page):
        return HttpRequest(method="GET", url="sim://a/lookup", headers={"page": str(page)})

    return replace(PROVIDER, resolve=replace(PROVIDER.resolve, start=lambda _: request_of(1), read=read))


@pytest.mark.parametrize(
    ("pages", "last", "verdict"),
    [
        (3, Found("p-1"), "found"),
        (LOOKUP_REQUESTS_MAX, Found("p-1"), "found"),
        (3, Absent(), "absent"),
        (3, Unclear("the records are away"), "unresolved"),
        (LOOKUP_REQUESTS_MAX + 1, Found("p-1"), "unresolved"),
    ],
)
async def test_a_question_may_take_several_requests_and_is_bounded(pages, last, verdict):
    world = World("a", "b", provider=paged(pages, last), resolve_within_s=2 * NEEDED_S)
    world.wire.script("a", LOST)
    async with world.running() as engine:
        stored = await accepted(engine)
        await world.ended(stored)
    assert (await verdicts(world))[0][0] == verdict
    if verdict == "unresolved":
        [resolved] = await world.events(EventType.RESOLVED)
        words = f"the answer took more than {LOOKUP_REQUESTS_MAX} requests"
        assert resolved.data["reason"] == ("the records are away" if pages == 3 else words)


# --- many questions, and trouble -------------------------------------------------------------------------------------


async def test_one_process_asks_a_bounded_number_of_questions_at_a_time():
    world = World(account("a", max_concurrency=500))
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", later(status(200), 2.0))
    async with world.running() as engine:
        mails = [await accepted(engine) for _ in range(RESOLVING_MAX + 20)]
        for stored in mails:
            assert (await world.ended(stored)).state is SENT
    assert RESOLVING_MAX / 2 < world.wire.most["lookups of a"] <= RESOLVING_MAX
    assert len(world.wire.asked) == len(mails)


async def test_a_question_that_breaks_is_asked_again_and_harms_no_other():
    def read(sought, answer):
        if sought.message.subject == "odd":
            raise RuntimeError("a bug")
        return PROVIDER.resolve.read(sought, answer)

    world = World("a", provider=replace(PROVIDER, resolve=replace(PROVIDER.resolve, read=read)))
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        odd = await accepted(engine, subject="odd")
        stored = await accepted(engine)
        assert (await world.ended(stored)).state is SENT
        await elapse(60.0)
        assert (await world.delivery(odd)).state is UNCERTAIN
    asked = [request.delivery for request in world.wire.asked].count(f"{odd.message.id}.0")
    assert asked > 2


@pytest.mark.parametrize("method", ["advance", "find_delivery", "read_config"])
async def test_a_finding_that_can_not_be_stored_is_found_again(world, method):
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        stored = await in_doubt(world, engine)
        world.store.fails[method] = GONE
        await elapse(60.0)
        world.store.fails.clear()
        assert (await world.ended(stored)).state is SENT
    assert world.wire.accounts() == ["a"]


async def test_nothing_is_concluded_for_an_attempt_that_has_ended_meanwhile(world):
    """Its answer came after all, while the question was under way."""
    world.wire.script("a", later(TAKEN, 40.0))
    world.wire.script_lookups("a", later(ABSENT, 10.0))
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(1.0)
        world.clock.skew_s = 100.0  # another process believes that the lease has ended
        async with world.running():
            assert (await world.ended(stored)).state is SENT
            await elapse(30.0)
            assert (await world.delivery(stored)).state is SENT
    assert world.wire.accounts() == ["a"]
