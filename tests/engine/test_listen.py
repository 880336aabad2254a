"""An account that accepts mail and delivers it late, or tells nothing of it any more, gets less of what comes."""

import pytest

from engine_kit import CALLER, accepted, draft, elapse
from everpost.core.delivering import REASON, SAMPLE_S, SHARE, TOLD_S
from everpost.health.delivering import WINDOW
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import Address
from town import BOTH, PACE_S, QUEUED, Town

JUDGED_S = TOLD_S + WINDOW * SAMPLE_S  # within this time it is found out


async def circuit(engine, name="a"):
    engine._fleet.forget_board()
    return (await engine._fleet.board()).standings[name].circuit


@pytest.mark.parametrize("tells", [(QUEUED,), ()], ids=["late", "silent"])
async def test_an_account_that_tells_no_delivery_any_more_gets_a_tenth_of_the_mail_and_comes_back(tells):
    """SendGrid, 3 November 2015: answered with 202, and delivered up to 24 hours late."""
    town = Town("a", "b")
    async with town.world.running() as engine:
        assert await town.mails(engine, 900) == {"a": 180}
        town.tells["a"] = tells
        since = town.world.clock.now()
        await town.mails(engine, JUDGED_S)
        [event] = await town.told(EventType.ACCOUNT_DEGRADED)
        shares = await town.mails(engine, 1000)
        assert 0 < shares["a"] <= 3 * SHARE * 200
        town.tells["a"] = BOTH
        await town.mails(engine, 2 * JUDGED_S)
        assert (await circuit(engine)).share == 1.0
        assert await town.mails(engine, 100) == {"a": 20}
    assert (event.account, event.data["reason"], event.data["takes"]) == ("a", REASON, SHARE)
    assert since - SAMPLE_S <= event.data["since_at"] <= since + SAMPLE_S
    assert event.data["share"] < 0.5 < event.data["usual_share"]
    assert (event.data["silent"] > 0) == (tells == ())
    [back] = await town.told(EventType.ACCOUNT_RECOVERED)
    assert back.data["share"] >= 0.8 * back.data["usual_share"]


async def test_what_was_handed_over_is_never_sent_again_because_of_it():
    town = Town("a", "b")
    async with town.world.running() as engine:
        await town.mails(engine, 600)
        town.tells["a"] = ()
        await town.mails(engine, 1200)
    assert await town.told(EventType.ACCOUNT_DEGRADED)
    assert max(town.world.wire.taken.values()) == 1
    for _, delivery_id in town.world.wire.taken:
        assert (await town.world.store.find_delivery(delivery_id)).state is DeliveryState.SENT


async def test_a_slow_account_still_takes_what_no_other_can():
    town = Town("a")
    async with town.world.running() as engine:
        await town.mails(engine, 600)
        town.tells["a"] = ()
        assert await town.mails(engine, 2 * JUDGED_S) == {"a": 2 * JUDGED_S / PACE_S}
        assert (await circuit(engine)).slow


async def test_a_route_explains_why_a_slow_account_gets_little():
    town = Town("a", "b")
    async with town.world.running() as engine:
        await town.mails(engine, 600)
        town.tells["a"] = ()
        await town.mails(engine, JUDGED_S)
        explained = await engine.console.steering.explain(CALLER.project, draft(), 100)
    first, second = explained.explanation.candidates
    assert (first.share, second.share) == (pytest.approx(SHARE), pytest.approx(1 - SHARE))
    assert first.reason == f"it is the default account, but it is slow ({REASON}) and takes 10 % of the mail"


async def test_when_nothing_is_heard_of_any_account_none_is_slow():
    """Then it is our own address that nobody reaches."""
    town = Town("a", "b")
    async with town.world.running() as engine:
        await town.mails(engine, 600)
        await engine.console.set_default(CALLER, "b")
        await town.mails(engine, 600)
        town.tells = dict.fromkeys("ab", ())
        await town.mails(engine, 3 * JUDGED_S)
        assert [(await circuit(engine, name)).slow for name in "ab"] == [False, False]


async def test_an_account_whose_webhooks_are_not_set_up_is_not_listened_for():
    town = Town("a", "b", secrets=(None, None))
    town.tells = dict.fromkeys("ab", ())
    async with town.world.running() as engine:
        await town.mails(engine, 600)
        assert not engine._deliverer._listener._samples
    assert (await town.world.health.board())["a"].delivering.mails == 0


async def test_several_processes_find_it_out_together_and_tell_it_once():
    town = Town("a", "b")
    async with town.world.running() as first, town.world.running() as second:
        for tells in (BOTH, ()):
            town.tells["a"] = tells
            for _ in range(12):
                await town.mails(first, 50)
                await town.mails(second, 50)
        assert (await circuit(first)).slow
        assert (await circuit(second)).slow
    assert len(await town.told(EventType.ACCOUNT_DEGRADED)) == 1


async def test_few_mails_are_listened_for_whatever_an_account_carries():
    town = Town("a")
    async with town.world.running() as engine:
        for number in range(3000):
            await accepted(engine, to=(Address(f"bob{number}@example.org"),))
            await elapse(0.2)
        assert len(engine._deliverer._listener._samples) <= TOLD_S / SAMPLE_S + 1
    assert (await town.world.health.board())["a"].delivering.mails <= 600 / SAMPLE_S


async def test_trouble_with_the_store_costs_a_mail_that_is_listened_for_and_no_more():
    town = Town("a")
    async with town.world.running() as engine:
        await town.mails(engine, 100)
        town.world.store.fails["get_message"] = RuntimeError("a bug")
        await elapse(TOLD_S)
        town.world.store.fails.clear()
        await town.mails(engine, 400)
    assert (await town.world.health.board())["a"].delivering.mails > 0


async def test_mail_with_options_of_the_providers_own_tells_nothing():
    """They may ask for a test or for a later time."""
    town = Town("a")
    async with town.world.running() as engine:
        acceptance = await engine.acceptor.accept(draft(provider_options={"sim": {"test": True}}), CALLER)
        assert acceptance.stored
        await elapse(TOLD_S + 10)
    assert (await town.world.health.board())["a"].delivering.mails == 0
