"""What may have been sent is resolved before it is sent elsewhere."""

import asyncio

import pytest
from msgspec.structs import replace

from engine_kit import (
    ABSENT,
    GONE,
    LOST,
    LOST_BUT_TAKEN,
    PROVIDER,
    SILENCE,
    TAKEN,
    World,
    accepted,
    account,
    elapse,
    later,
    status,
)
from everpost.core.resolving import budget_s
from everpost.engine.deliver import CLAIM_LEASE_S
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.limits import LOOKUP_REQUESTS_MAX, RESOLVING_MAX
from everpost.model.message import OnUnknown
from everpost.providers.contract import Absent, Ask, Found, HttpRequest, Unclear
from sim.behaviour import LAG_S
from store_values import NOW, change

SENT, HELD, UNCERTAIN = DeliveryState.SENT, DeliveryState.HELD, DeliveryState.UNCERTAIN
NEEDED_S = LAG_S + budget_s(account("a"))


def dated_by_a_wrong_clock(sought):
    """Where the records show the mail a day away from when the attempt says that it began."""
    if sought.clock_off_s < 86_400.0:
        sought = replace(sought, delivery_id="em_other.0")
    return PROVIDER.resolve.start(sought)


# --- what a question finds -------------------------------------------------------------------------------------------


async def test_what_the_provider_has_is_sent_and_keeps_its_id(world):
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=5.0)
    one = stored.deliveries[0]
    assert (one.state, one.account, one.provider_message_id) == (SENT, "a", f"a:{one.id}")
    assert engine._deliverer._resolver._watches == {}  # it is over
    assert await world.attempts(stored) == [("a", "unknown")]
    assert await world.verdicts() == [("found", None)]


@pytest.mark.parametrize("within_s", [5.0, 3600.0], ids=["the last look", "the look that would prove its absence"])
async def test_a_mail_that_a_wrong_clock_has_dated_is_found_before_it_is_given_up(within_s):
    lookup = replace(PROVIDER.resolve, start=dated_by_a_wrong_clock)
    world = World("a", "b", provider=replace(PROVIDER, resolve=lookup), resolve_within_s=within_s)
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine)
        one = await world.ended(stored)
    assert (one.state, one.account) == (SENT, "a")
    assert await world.verdicts() == [("found", None)]
    assert world.wire.accounts() == ["a"]


async def test_a_provider_is_asked_about_the_time_at_which_the_attempt_began():
    asked = []

    def ask(sought):
        asked.append(sought)
        return PROVIDER.resolve.start(sought)

    world = World("a", provider=replace(PROVIDER, resolve=replace(PROVIDER.resolve, start=ask)))
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine, send_at=NOW + 1000)
        await world.ended(stored, 2000.0)
    [sought] = asked
    assert sought.started_at == pytest.approx(NOW + 1000, abs=1.0)
    assert (sought.delivery_id, sought.account) == (f"{stored.message.id}.0", world.accounts[0])


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
    assert await world.verdicts() == [("absent", None)]


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
        stored = await world.in_doubt(engine)
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
        stored = await world.in_doubt(engine, on_unknown=OnUnknown.HOLD, resolve_within_s=20 * NEEDED_S)
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
    assert len(world.wire.asked) == 13  # at the end once more, for whatever day a wrong clock may have dated it by


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
    assert (await world.verdicts())[0][0] == verdict
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
        stored = await world.in_doubt(engine)
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


@pytest.mark.parametrize("state", [DeliveryState.SENDING, UNCERTAIN])
async def test_an_answer_about_one_attempt_says_nothing_of_the_next(world, state):
    """Another process has found out meanwhile, and gone on."""
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", later(status(200), 5.0))
    async with world.running() as engine:
        stored = await world.in_doubt(engine)
        async with asyncio.timeout(10):
            while not world.wire.asked:
                await elapse(0.01)
        one = await world.delivery(stored)
        await world.store.advance([change(one, state, attempts=2, account="b", due_at=NOW + 1000.0)])
        await elapse(10.0)
        assert len(world.wire.asked) == 1
        assert await world.delivery(stored) == replace(
            one, version=one.version + 1, state=state, attempts=2, account="b", due_at=NOW + 1000.0
        )
