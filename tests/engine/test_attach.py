"""Large attachments lie outside the store, and no mail is sent without them."""

import pytest
from msgspec.structs import replace

from engine_kit import CALLER, DOWN, World, accepted, draft, elapse
from engine_kit import TAKEN as YES
from everpost.attachments.port import AttachmentsUnavailable
from everpost.engine.accept import ACCEPT_S
from everpost.engine.attach import DAYS_OPEN, PUT_S, Attached
from everpost.engine.fetch import AGAIN_S
from everpost.engine.housekeep import SWEEP_EVERY_S
from everpost.model.delivery import DeliveryState
from everpost.model.key import Caller, Scope
from everpost.model.limits import ATTACHMENT_IN_STORE_BYTES_MAX
from everpost.model.message import Attachment
from everpost.model.problem import Problem
from sim.providers import PROVIDER

DAY_S = 86_400.0
STRANGER = Caller(project="blog", who="key-2", scope=Scope.ADMIN)
AWAY = AttachmentsUnavailable("the bucket is away")


def attachment(content, **fields):
    return Attachment(**({"filename": "a.pdf", "content_type": "application/pdf", "content": content} | fields))


LARGE = attachment(b"large" * ATTACHMENT_IN_STORE_BYTES_MAX)
SMALL = attachment(b"s" * ATTACHMENT_IN_STORE_BYTES_MAX)


@pytest.fixture
def handed():
    """The attachments of the mails that a provider was given."""
    return []


@pytest.fixture
def world(handed):
    def build(message, delivery_id, account):
        handed.append(message.attachments)
        return PROVIDER.build(message, delivery_id, account)

    return World("a", provider=replace(PROVIDER, build=build), give_up_after_s=3600.0)


def contents(world):
    return world.attachments._target._contents


def kept(world, stored):
    return world.store._target._messages[stored.message.id].attachments


def plain(attachments):
    return [(each.filename, each.content) for each in attachments]


async def queued(world, **fields):
    """A mail that only a later look at the queue hands over."""
    stored = await accepted(world.engine(), attachments=(LARGE, SMALL), **fields)
    return stored, next(iter(contents(world)))


async def test_what_is_large_lies_elsewhere_and_is_handed_over_at_once(world, handed):
    async with world.running() as engine:
        stored = await accepted(engine, attachments=(SMALL, LARGE), wait_s=5.0)
    assert [len(each.content) for each in kept(world, stored)] == [ATTACHMENT_IN_STORE_BYTES_MAX, 0]
    assert list(contents(world).values()) == [LARGE.content]
    assert plain(handed[-1]) == plain((SMALL, LARGE))
    assert world.attachments.called["get"] == 0


async def test_what_comes_from_the_queue_is_read_back_whole(world, handed):
    await queued(world)
    async with world.running():
        await elapse(1.0)
    assert plain(handed[-1]) == plain((LARGE, SMALL))
    assert len(world.wire.sent) == 1


async def test_it_is_read_anew_for_each_attempt(world, handed):
    world.wire.script("a", DOWN, YES)
    async with world.running() as engine:
        stored = await accepted(engine, attachments=(LARGE,))
        assert (await world.ended(stored)).state is DeliveryState.SENT
    assert [plain(each) for each in handed] == [plain((LARGE,))] * 2


async def test_the_same_content_lies_there_once_a_day_and_a_project(world):
    engine = world.engine()
    for _ in range(2):
        await accepted(engine, attachments=(LARGE, replace(LARGE, filename="b.pdf")))
    assert len(contents(world)) == 1
    await accepted(engine, STRANGER, attachments=(LARGE,))
    assert len(contents(world)) == 2
    await elapse(DAY_S)
    await accepted(engine, attachments=(LARGE,))
    assert len(contents(world)) == 3


@pytest.mark.parametrize("trouble", ["away", "slow"])
async def test_a_mail_whose_attachment_is_not_durable_is_not_accepted(world, trouble):
    if trouble == "away":
        world.attachments.fails["put"] = AWAY
    else:
        world.attachments.slow_s["put"] = PUT_S + 1
    assert PUT_S < ACCEPT_S
    refused = await world.engine().acceptor.accept(draft(attachments=(LARGE,)), CALLER)
    assert isinstance(refused, Problem)
    assert (refused.code, refused.status) == ("store_unavailable", 503)
    assert (await world.store.counts()).accepted == 0


async def test_what_can_not_be_read_now_waits_with_the_reason_and_is_sent_later(world):
    stored, _ = await queued(world)
    world.attachments.fails["get"] = AWAY
    async with world.running():
        await elapse(3 * AGAIN_S)
        one = await world.delivery(stored)
        assert (one.state, one.reason) == (DeliveryState.QUEUED, "the bucket is away")
        assert world.wire.sent == []
        assert len([event for event in await world.events() if event.type == "email.deferred"]) == 1
        world.attachments.fails.clear()
        await elapse(2 * AGAIN_S)
        assert (await world.delivery(stored)).state is DeliveryState.SENT


async def test_what_is_missing_waits_to_be_restored_until_its_mail_expires(world):
    stored, name = await queued(world)
    contents(world).clear()
    async with world.running():
        await elapse(3 * AGAIN_S)
        assert (await world.delivery(stored)).reason == f"attachment 1 is not where it was put: {name}"
        one = await world.ended(stored, 7200.0)
    assert one.state is DeliveryState.FAILED
    assert one.reason.startswith("it expired before any account took it (attachment 1 is not where it was put")
    assert world.wire.sent == []


async def test_what_is_damaged_fails_and_is_never_sent(world):
    stored, name = await queued(world)
    contents(world)[name] = LARGE.content[:-1] + b"?"
    async with world.running():
        one = await world.ended(stored)
    assert (one.state, one.reason) == (
        DeliveryState.FAILED,
        f"attachment 1 is damaged where it lies: {name}: hand the mail in again",
    )
    assert world.wire.sent == []


async def test_the_others_do_not_wait_for_what_can_not_be_read(world):
    stored, _ = await queued(world)
    other = await accepted(world.engine())
    world.attachments.fails["get"] = AWAY
    async with world.running():
        assert (await world.ended(other)).state is DeliveryState.SENT
        assert (await world.delivery(stored)).state is DeliveryState.QUEUED


async def test_a_mail_is_cancelled_and_expires_without_its_attachments(world):
    stored, _ = await queued(world)
    contents(world).clear()
    engine = world.engine()
    await engine.desk.cancel(CALLER, stored.message.id)
    assert (await world.delivery(stored)).state is DeliveryState.CANCELLED


async def test_a_place_that_is_no_longer_configured_is_told(world):
    stored, _ = await queued(world)
    world.attachments = None
    async with world.running():
        await elapse(1.0)
    assert (await world.delivery(stored)).reason == "attachment 1 lies outside the store, and no place is configured"


async def test_without_a_place_everything_lies_in_the_store(world, handed):
    world.attachments = None
    async with world.running() as engine:
        stored = await accepted(engine, attachments=(LARGE,), wait_s=5.0)
    assert kept(world, stored) == (LARGE,)
    assert handed[-1] == (LARGE,)


async def test_what_no_mail_needs_is_deleted_when_its_day_is_long_over(world):
    async with world.running(world.engine(messages_s=10 * DAY_S, bodies_s=5 * DAY_S)) as engine:
        await accepted(engine, attachments=(LARGE,), wait_s=5.0)
        world.store.fails["accept"] = AttachmentsUnavailable("killed here")
        await engine.acceptor.accept(draft(attachments=(replace(LARGE, content=LARGE.content + b"2"),)), CALLER)
        world.store.fails.clear()
        assert len(contents(world)) == 2  # of one there is no mail
        await elapse((DAYS_OPEN - 1) * DAY_S - SWEEP_EVERY_S)
        assert len(contents(world)) == 2
        await elapse(DAY_S + 2 * SWEEP_EVERY_S)
        assert list(contents(world).values()) == [LARGE.content]
        await elapse(3 * DAY_S)
        assert contents(world) == {}


async def test_an_accept_that_runs_while_its_day_ends_is_safe_from_the_sweep(world):
    world.store.slow_s["accept"] = ACCEPT_S - 1
    stored = await accepted(world.engine(), attachments=(LARGE,))
    world.store.slow_s.clear()
    world.clock.skew_s = DAY_S  # of the sweeper
    assert await Attached(world.engine().ports).sweep() == 0
    world.clock.skew_s = 30 * DAY_S
    assert await Attached(world.engine().ports).sweep() == 0  # it is needed
    assert len(kept(world, stored)) == 1


async def test_erasing_lets_go_of_the_attachments(world):
    async with world.running() as engine:
        await accepted(engine, attachments=(LARGE,), wait_s=5.0)
        await engine.console.erase(CALLER, "bob@example.org", dry_run=False)
        await elapse((DAYS_OPEN + 1) * DAY_S)
    assert contents(world) == {}
