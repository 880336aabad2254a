"""A provider that knows a request again is asked by the same request: it answers as it did, and sends nothing twice."""

import pytest
from msgspec.structs import replace

from engine_kit import BAD_KEY, LOST, LOST_BUT_TAKEN, PROVIDER, TAKEN, World, accepted, elapse, status
from everpost.core.confirming import SAMPLE_S
from everpost.model.delivery import DeliveryState
from everpost.model.message import Attachment, OnUnknown
from everpost.providers.contract import CLOCK_OFF_S, Replay
from store_values import NOW

KEPT_S = 600.0
REPLAYED = replace(PROVIDER, resolve=Replay(kept_s=KEPT_S))


def world_of(*replies, **route):
    world = World("a", "b", provider=REPLAYED, **route)
    world.wire.script("a", *replies)
    return world


@pytest.mark.parametrize("lost", [LOST, LOST_BUT_TAKEN], ids=["it had it not", "it had it"])
async def test_the_same_request_again_makes_certain_that_the_provider_has_the_mail(lost):
    world = world_of(lost, TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine)
        one = await world.ended(stored)
    assert (one.state, one.account) == (DeliveryState.SENT, "a")
    assert one.provider_message_id == f"a:{one.id}"
    first, second = world.wire.sent
    assert (first.account, first.delivery) == (second.account, second.delivery)
    assert world.wire.asked == []
    assert await world.attempts(stored) == [("a", "unknown")]  # it is no attempt of its own
    assert await world.verdicts() == [("found", None)]


async def test_no_answer_to_it_proves_that_the_mail_is_not_there():
    """A refusal may be of today, and the mail of yesterday."""
    world = world_of(LOST, BAD_KEY, on_unknown=OnUnknown.HOLD, resolve_within_s=60.0)
    async with world.running() as engine:
        one = await world.ended(await accepted(engine))
    assert one.state is DeliveryState.HELD
    assert one.reason.endswith("the same request again came out as refused")
    assert set(world.wire.accounts()) == {"a"}


async def test_it_is_not_made_when_the_provider_may_have_forgotten_the_first_one():
    world = world_of(LOST, status(503), on_unknown=OnUnknown.HOLD, resolve_within_s=10 * KEPT_S)
    async with world.running() as engine:
        one = await world.ended(await accepted(engine), 20 * KEPT_S)
    assert len(world.wire.sent) > 2
    assert max(request.at for request in world.wire.sent) < KEPT_S - CLOCK_OFF_S
    assert one.reason.endswith("it may not remember the attempt any more")


async def test_it_is_not_made_by_a_clock_that_says_that_the_attempt_has_not_begun_yet():
    world = world_of(LOST, on_unknown=OnUnknown.HOLD, resolve_within_s=60.0)
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(0.1)
        before = len(world.wire.sent)
        world.clock.skew_s = -86_400.0
        await elapse(600.0)
        world.clock.skew_s = 86_400.0  # where the mail is given up
        await world.ended(stored)
    assert len(world.wire.sent) == before


async def test_a_mail_that_has_expired_is_not_handed_over_by_it():
    world = world_of(LOST, status(503), on_unknown=OnUnknown.HOLD, resolve_within_s=300.0)
    async with world.running() as engine:
        one = await world.ended(await accepted(engine, expires_at=NOW + 30.0))
    assert max(request.at for request in world.wire.sent) < 30.0
    assert one.state is not DeliveryState.SENT


async def test_it_brings_attachments_that_lie_outside_the_store():
    seen = []

    def build(message, delivery_id, account):
        seen.append([each.content for each in message.attachments])
        return PROVIDER.build(message, delivery_id, account)

    world = world_of(LOST, TAKEN)
    world.provider = replace(REPLAYED, build=build)
    large = Attachment(filename="a.bin", content_type="a/b", content=b"x" * 500_000)
    async with world.running() as engine:
        stored = await accepted(engine, attachments=(large,))
        await world.ended(stored)
    assert world.attachments.called["get"] == 1  # the first attempt had it in hand
    assert seen == [[large.content]] * 2


async def test_mails_that_were_accepted_are_not_looked_for_by_it():
    world = world_of(TAKEN)
    async with world.running() as engine:
        await world.ended(await accepted(engine))
        await elapse(3 * SAMPLE_S)
    assert len(world.wire.sent) == 1
