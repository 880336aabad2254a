"""What people do to mail: each act holds or is refused in words, and is on the trail with who and why."""

import asyncio

import pytest

from core_values import send
from engine_kit import CALLER, LOST, TAKEN, Troubled, World, accepted, elapse, later, many, status
from everpost.core import transitions
from everpost.engine import bulk
from everpost.engine.idempotency import Idempotency
from everpost.model.act import Act, Action, Decision
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.key import Caller, Scope
from everpost.model.message import Attachment, OnUnknown
from everpost.model.problem import Problem
from everpost.store.port import Filter, Stored
from store_values import NOW

S = DeliveryState
STRANGER = Caller(project="blog", who="key-2", scope=Scope.ADMIN)
AGAIN = Act(action=Action.RESEND, why="bob@example.org has lost it")


def resolve(decision, **fields):
    return Act(action=Action.RESOLVE, why="they say so", decision=decision, **fields)


def move(send_at):
    return Act(action=Action.RESCHEDULE, why="not at night", send_at=send_at)


def key(name="1"):
    return Idempotency(scope="shop:resend", key=name, fingerprint=b"")


@pytest.fixture
def blind():
    """Nobody can be asked, and what is uncertain stays so for an hour, then is held."""
    world = World("a", "b", on_unknown=OnUnknown.HOLD, resolve_within_s=3600.0)
    world.wire.script("a", LOST)
    for name in ("a", "b"):
        world.wire.script_lookups(name, status(503))
    return world


async def held(world, engine, **fields):
    stored = await accepted(engine, **fields)
    one = await world.ended(stored, 10_000.0)
    assert one.state is S.HELD
    return stored


# --- reschedule ------------------------------------------------------------------------------------------------------


async def test_a_mail_that_waits_is_handed_over_at_its_new_time(world):
    async with world.running() as engine:
        stored = await accepted(engine, send_at=NOW + 1000)
        moved = await engine.desk.act(CALLER, stored.message.id, move(NOW + 100))
        assert moved.deliveries[0].due_at == NOW + 100
        await world.ended(stored)
    [event] = await world.events(EventType.RESCHEDULED)
    assert event.data == {"send_at": NOW + 100, "by": "key-1", "reason": "not at night"}
    [request] = world.wire.sent
    assert 100 <= request.at < 110


async def test_a_mail_is_not_moved_beyond_its_end_nor_once_it_was_begun(world):
    world.wire.script("a", later(TAKEN, 60.0))
    async with world.running() as engine:
        waiting = await accepted(engine, send_at=NOW + 1000, expires_at=NOW + 2000)
        refused = await engine.desk.act(CALLER, waiting.message.id, move(NOW + 2000))
        assert (refused.code, refused.status) == ("not_reschedulable", 409)
        assert refused.detail == "it expires before then; cancel it, and send it again for that time"
        begun = await accepted(engine)
        await elapse(1.0)
        refused = await engine.desk.act(CALLER, begun.message.id, move(NOW + 500))
        assert refused.detail == "only a queued message can be rescheduled; this one is sending"
    assert await world.events(EventType.RESCHEDULED) == []


# --- resolve ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "state", "accounts"),
    [(Decision.SENT, S.SENT, ["a"]), (Decision.FAILED, S.FAILED, ["a"]), (Decision.RESEND, S.SENT, ["a", "b"])],
)
@pytest.mark.parametrize("is_held", [False, True])
async def test_a_person_decides_what_nobody_can_tell(blind, decision, state, accounts, is_held):
    async with blind.running() as engine:
        stored = await (held(blind, engine) if is_held else blind.in_doubt(engine))
        answer = await engine.desk.act(CALLER, stored.message.id, resolve(decision, attempts=1))
        assert isinstance(answer, Stored), answer
        assert (await blind.ended(stored)).state is state
    assert blind.wire.accounts() == accounts
    decided = (await blind.events(EventType.RESOLVED))[-1]
    assert (decided.data["verdict"], decided.data["action"]) == ("decided", decision)
    assert (decided.data["by"], decided.data["reason"]) == ("key-1", "they say so")


async def test_nothing_is_decided_of_what_is_certain(world):
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=5.0)
        for decision in Decision:
            refused = await engine.desk.act(CALLER, stored.message.id, resolve(decision))
            assert refused.detail == "only an uncertain or held message can be resolved; this one is sent"
    assert len(world.wire.sent) == 1


async def test_who_has_not_seen_the_last_attempt_decides_nothing(blind):
    blind.wire.script("b", LOST)
    async with blind.running() as engine:
        stored = await held(blind, engine)
        first = resolve(Decision.RESEND, attempts=1)
        assert isinstance(await engine.desk.act(CALLER, stored.message.id, first), Stored)
        await elapse(10.0)
        stale = await engine.desk.act(CALLER, stored.message.id, resolve(Decision.FAILED, attempts=1))
        assert stale.detail == "you have seen 1 attempts, and there are 2: look again, then decide"
        assert isinstance(await engine.desk.act(CALLER, stored.message.id, resolve(Decision.SENT, attempts=2)), Stored)


async def test_of_two_who_decide_at_once_one_is_heard(blind):
    async with blind.running() as engine:
        stored = await held(blind, engine)
        acts = [resolve(Decision.RESEND, attempts=1) for _ in range(8)]
        answers = await asyncio.gather(*(engine.desk.act(CALLER, stored.message.id, act) for act in acts))
        await blind.ended(stored)
    assert sum(isinstance(answer, Stored) for answer in answers) == 1
    assert blind.wire.accounts() == ["a", "b"]


async def test_nothing_is_decided_while_the_attempt_may_still_be_under_way(world):
    """Its worker seems lost; by a clock that has jumped it may be at work."""
    engine = world.engine()
    stored = await accepted(engine)
    begun = transitions.begin(await world.delivery(stored), send(), (), 100.0, NOW)
    await world.store.advance([begun, transitions.lost(begun.delivery, NOW + 1)])
    for decision in Decision:
        refused = await engine.desk.act(CALLER, stored.message.id, resolve(decision))
        assert refused.detail == "its attempt may still be under way; wait until it is over"
    await elapse(101.0)
    assert isinstance(await engine.desk.act(CALLER, stored.message.id, resolve(Decision.SENT)), Stored)


async def test_a_decision_that_an_answer_overtakes_is_not_written(blind):
    """The provider's own answer, late, comes between the look and the write."""

    class Answering(Troubled):
        async def advance(self, changes):
            if changes and changes[0].events and changes[0].events[0].data.get("verdict") == "decided":
                one = await self.find_delivery(changes[0].delivery.id)
                await self._target.advance([transitions.found(one, "p-1", NOW)])
            return await self._target.advance(changes)

    blind.store = Answering(blind.store._target)
    async with blind.running() as engine:
        stored = await blind.in_doubt(engine)
        answer = await engine.desk.act(CALLER, stored.message.id, resolve(Decision.RESEND, attempts=1))
        assert isinstance(answer, Problem)
        assert answer.code == "not_resolvable"
    assert blind.wire.accounts() == ["a"]
    assert (await blind.delivery(stored)).state is S.SENT


async def test_what_is_over_or_no_longer_kept_is_not_put_back_into_the_queue(blind):
    async with blind.running() as engine:
        stored = await held(blind, engine, expires_at=NOW + 5000)
        await elapse(5000)
        refused = await engine.desk.act(CALLER, stored.message.id, resolve(Decision.RESEND))
        assert refused.detail == "its time is over; send it again as a new mail"
        await engine.console.erase(CALLER, "bob@example.org", dry_run=False)
        refused = await engine.desk.act(CALLER, stored.message.id, resolve(Decision.RESEND))
        assert refused.detail.startswith("it is no longer kept whole: content")
        assert isinstance(await engine.desk.act(CALLER, stored.message.id, resolve(Decision.FAILED)), Stored)


async def test_what_has_lost_its_content_while_it_was_put_back_is_not_handed_over(blind):
    """The purge comes between the look and the write."""
    async with blind.running() as engine:
        stored = await held(blind, engine)
        await engine.console.erase(CALLER, "bob@example.org", dry_run=False)
        one = await blind.delivery(stored)
        await blind.store.advance([transitions.decide(one, Decision.RESEND, "key-1", "x", blind.clock.now())])
        assert (await blind.ended(stored)).reason == "it is no longer kept whole"
    assert blind.wire.accounts() == ["a"]


# --- resend ----------------------------------------------------------------------------------------------------------


async def test_a_mail_is_sent_again_as_a_new_one_and_both_trails_tell(world):
    file = Attachment(filename="a.bin", content_type="application/pdf", content=b"x" * 100_000)
    async with world.running() as engine:
        old = await accepted(engine, attachments=(file,), tags=("t",), wait_s=5.0)
        accepted_again = await engine.desk.resend(CALLER, old.message.id, AGAIN, key())
        new = accepted_again.stored.message
        assert new.id != old.message.id
        await world.ended(accepted_again.stored)
        assert (await engine.desk.attachment("shop", new.id, 0)).content == file.content
    assert (new.subject, new.tags, new.to) == (old.message.subject, old.message.tags, old.message.to)
    [event] = await world.events(EventType.RESENT)
    assert event.message_id == old.message.id
    assert event.data == {"as": new.id, "by": "key-1", "reason": "<address> has lost it"}
    first = (await world.store.read_events(0, 10, None, new.id))[0].event
    told = {name: first.data[name] for name in ("resend_of", "by", "reason")}
    assert told == {"resend_of": old.message.id, "by": "key-1", "reason": "<address> has lost it"}


async def test_the_same_key_sends_it_again_once(world):
    async with world.running() as engine:
        old = await accepted(engine, wait_s=5.0)
        answers = [await engine.desk.resend(CALLER, old.message.id, AGAIN, key()) for _ in range(3)]
        await elapse(5.0)
    assert len({answer.stored.message.id for answer in answers}) == 1
    assert [answer.replayed for answer in answers] == [False, True, True]
    assert len(world.wire.sent) == 2
    assert len(await world.events(EventType.RESENT)) == 1


async def test_what_may_still_be_handed_over_is_not_sent_again(blind):
    async with blind.running() as engine:
        stored = await blind.in_doubt(engine)
        refused = await engine.desk.resend(CALLER, stored.message.id, AGAIN, key())
        assert (refused.code, refused.status) == ("not_resendable", 409)
        assert refused.detail.endswith("this one is uncertain, so it may still be handed over")


async def test_what_is_no_longer_kept_whole_is_not_sent_again(world):
    async with world.running() as engine:
        stored = await accepted(engine, wait_s=5.0)
        await engine.console.erase(CALLER, "bob@example.org", dry_run=False)
        refused = await engine.desk.resend(CALLER, stored.message.id, AGAIN, key())
        assert refused.code == "not_resendable"
        assert len(world.wire.sent) == 1


async def test_who_repeats_it_is_told_of_the_new_mail_though_the_old_one_is_no_longer_kept_whole(world):
    async with world.running() as engine:
        old = await accepted(engine, tags=("t",), wait_s=5.0)
        by = Filter(project="shop", tag="t", created_before=world.clock.now() + 1.0)
        await elapse(2.0)
        one = await engine.desk.resend(CALLER, old.message.id, AGAIN, key())
        assert (await engine.bulk.step(CALLER, AGAIN, by, None, "key")).done == 1
        await elapse(5.0)
        await engine.console.erase(CALLER, "bob@example.org", dry_run=False)
        again = await engine.desk.resend(CALLER, old.message.id, AGAIN, key())
        assert (again.replayed, again.stored.message.id) == (True, one.stored.message.id)
        assert (await engine.bulk.step(CALLER, AGAIN, by, None, "key")).done == 1
        assert (await engine.bulk.step(CALLER, AGAIN, by, None, "another")).done == 0
        other = await engine.desk.resend(CALLER, old.message.id, AGAIN, Idempotency("shop:resend", "1", b"another"))
        assert other.code == "idempotency_mismatch"
    assert len(world.wire.sent) == 3


async def test_a_mail_of_another_project_does_not_exist(world):
    async with world.running() as engine:
        id_ = (await accepted(engine, wait_s=5.0)).message.id
        for answer in (
            await engine.desk.act(STRANGER, id_, move(NOW + 9)),
            await engine.desk.resend(STRANGER, id_, AGAIN, key()),
            await engine.desk.message("blog", id_),
            await engine.desk.attachment("blog", id_, 0),
        ):
            assert answer.code == "not_found"


# --- many ------------------------------------------------------------------------------------------------------------

QUEUED = Filter(project="shop", state=S.QUEUED)
CANCEL = Act(action=Action.CANCEL, why="wrong price")


async def test_what_would_be_done_is_said_and_nothing_is_changed(world):
    engine = world.engine()
    await many(engine, 3)
    step = await engine.bulk.step(CALLER, CANCEL, QUEUED, None, None)
    assert (step.matched, step.done, step.refused, step.last) == (3, 3, (), None)
    assert await world.events(EventType.CANCELLED) == []


async def test_all_that_a_filter_finds_is_done_step_by_step(world, monkeypatch):
    monkeypatch.setattr(bulk, "BULK_MAX", 4)
    monkeypatch.setattr(bulk, "PAGE", 2)
    engine = world.engine()
    mails = await many(engine, 9)
    told, before = [], None
    for _ in range(3):
        step = await engine.bulk.step(CALLER, CANCEL, QUEUED, before, "")
        told.append((step.matched, step.done))
        before = step.last
    assert told == [(4, 4), (4, 4), (1, 1)]
    assert before is None
    assert {(await world.delivery(one)).state for one in mails} == {S.CANCELLED}
    assert [event.data["reason"] for event in await world.events(EventType.CANCELLED)] == ["wrong price"] * 9


async def test_a_step_ends_early_when_it_takes_long_and_says_where_to_go_on(world, monkeypatch):
    monkeypatch.setattr(bulk, "PAGE", 2)

    class Slow(Troubled):
        async def advance(self, changes):
            await elapse(bulk.BULK_S_MAX / 3)
            return await self._target.advance(changes)

    world.store = Slow(world.store._target)
    engine = world.engine()
    await many(engine, 5)
    step = await engine.bulk.step(CALLER, CANCEL, QUEUED, None, "")
    assert (step.matched, step.done) == (4, 4)
    step = await engine.bulk.step(CALLER, CANCEL, QUEUED, step.last, "")
    assert (step.matched, step.done, step.last) == (1, 1, None)


async def test_what_an_action_does_not_fit_is_told_and_left_alone(world):
    async with world.running() as engine:
        sent = await accepted(engine, tags=("t",), wait_s=5.0)
        waiting = await accepted(engine, tags=("t",), send_at=NOW + 9000)
        by = Filter(project="shop", tag="t")
        step = await engine.bulk.step(CALLER, CANCEL, by, None, "")
    assert (step.matched, step.done) == (2, 1)
    assert [(one.message_id, one.problem.code) for one in step.refused] == [(sent.message.id, "not_cancellable")]
    assert (await world.delivery(waiting)).state is S.CANCELLED


async def test_mails_are_sent_again_once_however_often_the_step_is_repeated(world):
    async with world.running() as engine:
        await many(engine, 3, tags=("t",), wait_s=5.0)
        await elapse(1.0)
        by = Filter(project="shop", tag="t", created_before=world.clock.now())
        for _ in range(2):
            step = await engine.bulk.step(CALLER, AGAIN, by, None, "key")
            assert (step.matched, step.done) == (3, 3)
        await elapse(5.0)
    assert len(world.wire.sent) == 6
