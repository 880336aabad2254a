"""What providers tell is verified, joined to its mail and durable before they are answered."""

import json

import pytest
from msgspec.structs import replace

from engine_kit import CALLER, GONE, LOST, LOST_BUT_TAKEN, MUTE, PROVIDER, SILENCE, World, accepted, account, elapse
from everpost.engine.ingest import Taken, Untaken
from everpost.model.act import Act, Action, Decision
from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.key import Scope
from everpost.model.message import Address, OnUnknown
from everpost.model.outcome import Kind, Outcome
from everpost.store.port import Stored, StoreUnavailable
from everpost.wiring import PROVIDERS
from hook_senders import resend
from hook_values import (
    OTHER_SECRETS,
    SECRETS,
    mailgun_event,
    mailgun_request,
    request,
    sendgrid_event,
    sendgrid_request,
)

WEBHOOKS = {name: PROVIDERS[name].webhook for name in SECRETS}
HARD = {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 bob@example.org is unknown"}
SOFT = {"event": "bounce", "type": "blocked", "status": "5.7.1", "reason": "550 5.7.1 blocked"}


def told_by(name, base=PROVIDER, secrets=SECRETS):
    """A world in which account `a` belongs to a provider whose events are those of SendGrid or Mailgun."""
    accounts = [account(one, settings={"webhook_secret": secrets[name]}) for one in ("a", "b")]
    return World(*accounts, provider=replace(base, webhook=WEBHOOKS[name]))


@pytest.fixture
def world():
    return told_by("sendgrid")


def about(stored, *events, **how):
    """SendGrid's request with these events of a mail; the first one is as given, the others are named."""
    delivery = stored.deliveries[0].id
    return sendgrid_request([sendgrid_event(**({"everpost_id": delivery} | event)) for event in events], **how)


async def take(engine, asked, account="a"):
    return await engine.ingestor.take_in(account, replace(asked, received_at=engine.ports.clock.now()))


async def of_recipients(world):
    return [event for event in await world.events() if event.type.startswith("recipient.")]


async def sent(world, engine, **fields):
    stored = await accepted(engine, **fields)
    await world.ended(stored)
    return stored


# --- what is kept ----------------------------------------------------------------------------------------------------


async def test_an_event_is_joined_to_its_mail_by_our_id(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        told = await take(engine, about(stored, {"event": "deferred", "response": "451 4.7.1 Greylisted"}))
    (event,) = await of_recipients(world)
    assert told == Taken(joined=1)
    assert (event.type, event.message_id, event.project) == (
        EventType.RECIPIENT_DEFERRED,
        stored.message.id,
        stored.message.project,
    )
    assert event.data.pop("received_at") > event.at
    assert event.data == {
        "place": 0,
        "native": "deferred",
        "joined_by": "metadata",
        "provider_message_id": "abcdef",
        "reason": "greylisted",
        "smtp_code": 451,
        "enhanced_status": "4.7.1",
        "text": "451 4.7.1 Greylisted",
    }


async def test_an_event_never_names_an_address(world):
    async with world.running() as engine:
        stored = await sent(world, engine, cc=(Address("eve@example.net"),))
        await take(engine, about(stored, HARD | {"email": "EVE@example.net"}))
    (event,) = await of_recipients(world)
    assert event.data["place"] == 1
    assert "@" not in json.dumps([one.data for one in await world.events()])


async def test_what_came_is_kept_beside_the_event(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        await take(engine, about(stored, {"event": "open", "useragent": "x"}))
        (event,) = await of_recipients(world)
        paper = await world.store.paper(event.id, stored.message.id)
    assert json.loads(paper)["useragent"] == "x"


async def test_what_is_told_again_is_told_once(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        first = await take(engine, about(stored, {}, {"event": "open"}))
        again = await take(engine, about(stored, {"event": "open"}, {}))
    assert (first.repeated, again.repeated) == (0, 2)
    assert len(await of_recipients(world)) == 2


async def test_an_event_of_an_unknown_mail_is_kept_without_one(world):
    async with world.running() as engine:
        told = await take(engine, sendgrid_request([sendgrid_event(email="joe@example.net")]))
    (event,) = await of_recipients(world)
    assert told == Taken(unjoined=1)
    assert (event.message_id, event.project, event.account) == (None, "", "a")
    assert "joined_by" not in event.data


async def test_good_events_are_kept_beside_a_bad_one_which_is_kept_as_it_came(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        good = sendgrid_event(everpost_id=stored.deliveries[0].id)
        told = await take(engine, sendgrid_request([good, {"email": 7}, good | {"sg_event_id": "2"}]))
        (bad,) = await world.events(EventType.WEBHOOK_UNREADABLE)
        assert await world.store.paper(bad.id, None) == b'{"email": 7}'
    assert told == Taken(joined=2, unreadable=1)


async def test_a_time_that_can_not_be_is_that_of_the_arrival(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        for number, at in enumerate([1e300, -1e12, 0, 4e9, None, "soon"]):
            await take(engine, about(stored, {"timestamp": at, "sg_event_id": str(number)}))
    events = await of_recipients(world)
    assert len(events) == 6
    assert all(event.at == event.data["received_at"] for event in events)


async def test_nothing_is_answered_that_is_not_durable_and_a_repeat_completes_it(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        for forgets in (False, True):
            world.store.fails, world.store.forgets = {"note": GONE}, forgets
            with pytest.raises(StoreUnavailable):
                await take(engine, about(stored, HARD))
        world.store.fails = {}
        assert await take(engine, about(stored, HARD)) == Taken(joined=1, repeated=1)
        assert await world.store.suppressed("shop", ["bob@example.org"]) != []
    assert len(await of_recipients(world)) == 1


# --- which mail it is ------------------------------------------------------------------------------------------------


async def test_without_our_id_a_mail_is_found_by_what_its_provider_calls_it():
    world = told_by("mailgun")
    async with world.running() as engine:
        await engine.keyring.create("shop", Scope.SEND, "the shop's")
        await sent(world, engine)
        stored = await sent(world, engine)
        await sent(world, engine)
        name = (await world.delivery(stored)).provider_message_id
        event = mailgun_event(message={"headers": {"message-id": f"<{name}>"}}, **{"user-variables": {}})
        await take(engine, mailgun_request(event))
    (told,) = await of_recipients(world)
    assert (told.message_id, told.data["joined_by"]) == (stored.message.id, "message_id")


async def test_the_recipient_alone_names_a_mail_only_where_one_can_be_meant(world):
    event = sendgrid_event(everpost_id=None, sg_message_id=None)
    async with world.running() as engine:
        await engine.keyring.create("shop", Scope.SEND, "the shop's")
        stored = await sent(world, engine)
        assert (await take(engine, sendgrid_request([event | {"sg_event_id": "1"}]))).joined == 1
        await sent(world, engine)
        assert (await take(engine, sendgrid_request([event | {"sg_event_id": "2"}]))).unjoined == 1
    assert [(one.message_id, one.data.get("joined_by")) for one in await of_recipients(world)] == [
        (stored.message.id, "recipient"),
        (None, None),
    ]


async def test_mail_of_every_project_is_found(world):
    async with world.running() as engine:
        await engine.keyring.create("bank", Scope.SEND, "the bank's")
        stored = await sent(world, engine, caller=replace(CALLER, project="bank"))
        event = sendgrid_event(everpost_id=None, sg_message_id=None)
        assert await take(engine, sendgrid_request([event])) == Taken(joined=1)
    (told,) = await of_recipients(world)
    assert (told.message_id, told.project) == (stored.message.id, "bank")


async def test_an_account_tells_nothing_of_mail_that_it_was_never_given(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        assert await take(engine, about(stored, HARD), account="b") == Taken(unjoined=1)
        assert await world.store.suppressed("shop", ["bob@example.org"]) == []


async def test_an_event_that_comes_before_the_answer_is_joined_at_once(world):
    world.wire.script("a", SILENCE)
    async with world.running() as engine:
        stored = await accepted(engine)
        await elapse(0.1)
        assert (await world.delivery(stored)).state is DeliveryState.SENDING
        assert (await take(engine, about(stored, {}))).joined == 1


# --- what follows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (HARD, "a hard bounce, as a has told"),
        ({"event": "spamreport"}, "a complaint, as a has told"),
        ({"event": "unsubscribe"}, "an unsubscription, as a has told"),
    ],
)
async def test_who_must_not_be_written_to_is_suppressed(world, event, why):
    async with world.running() as engine:
        stored = await sent(world, engine, to=(Address("Bob@Example.org"),))
        await take(engine, about(stored, event))
        await take(engine, about(stored, event))
        row = await engine.console.suppressing.find("shop", "bob@example.org", "")
        assert row.reason == why
        (added,) = await world.events(EventType.SUPPRESSION_ADDED)
        assert added.data == {"by": "a", "source": row.source, "reason": why, "place": 0}
        assert (row.source in why) or row.source == "unsubscribe"
        refused = await accepted(engine, to=(Address("bob@example.org"),))
        assert (await world.ended(refused)).state is DeliveryState.FAILED
    assert len(world.wire.sent) == 1


@pytest.mark.parametrize(
    "event",
    [
        SOFT,
        {"event": "group_unsubscribe", "asm_group_id": 7},
        {"event": "dropped", "reason": "Bounced Address"},
        {"event": "deferred", "response": "451 try again"},
        {"event": "bounce", "type": "bounce", "status": "5.7.1", "bounce_classification": "Invalid Address"},
    ],
)
async def test_what_concerns_one_mail_or_a_part_suppresses_nobody(world, event):
    async with world.running() as engine:
        stored = await sent(world, engine)
        assert (await take(engine, about(stored, event))).joined == 1
        assert await engine.console.suppressing.find("shop", "bob@example.org", "") is None


@pytest.mark.parametrize("event", [{"event": "unsubscribe"}, {"event": "group_unsubscribe", "asm_group_id": 7}])
async def test_who_leaves_the_mail_of_a_stream_still_gets_other_mail(world, event):
    async with world.running() as engine:
        stored = await sent(world, engine, stream="news")
        await take(engine, about(stored, event))
        find = engine.console.suppressing.find
        assert (await find("shop", "bob@example.org", "news")).source == "unsubscribe"
        assert await find("shop", "bob@example.org", "") is None
        for stream, state in (("news", DeliveryState.FAILED), ("", DeliveryState.SENT)):
            assert (await world.ended(await accepted(engine, stream=stream))).state is state


async def test_a_bounce_takes_the_place_of_an_unsubscription_and_not_the_other_way_round(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        find = engine.console.suppressing.find
        for event, source in (
            ({"event": "unsubscribe"}, "unsubscribe"),
            (HARD, "bounce"),
            ({"event": "unsubscribe"}, "bounce"),
        ):
            await take(engine, about(stored, event | {"sg_event_id": f"{event['event']}-{source}"}))
            assert (await find("shop", "bob@example.org", "")).source == source


async def test_mail_of_an_account_goes_to_who_has_unsubscribed_and_the_trail_tells_so(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        await take(engine, about(stored, {"event": "unsubscribe"}))
        to = (Address("eve@example.net"), Address("bob@example.org"))
        reset = await world.ended(await accepted(engine, to=to, ignores_unsubscribe=True))
        assert (reset.state, reset.left_out) == (DeliveryState.SENT, ())
        *_, attempted = await world.events(EventType.ATTEMPTED)
        assert attempted.data["unsubscribed"] == [1]
        await take(engine, about(stored, HARD))
        again = await world.ended(await accepted(engine, to=to, ignores_unsubscribe=True))
        assert again.left_out == (1,)


async def test_who_was_let_in_again_is_not_shut_out_by_a_repeat(world):
    async with world.running() as engine:
        stored = await sent(world, engine)
        await take(engine, about(stored, HARD))
        await engine.console.suppressing.remove(CALLER, "bob@example.org", "")
        await take(engine, about(stored, HARD))
        assert await engine.console.suppressing.find("shop", "bob@example.org", "") is None


@pytest.mark.parametrize("event", [{"event": "processed"}, {}, HARD, {"event": "dropped", "reason": "Spam Content"}])
async def test_what_is_told_of_an_uncertain_attempt_resolves_it(event):
    world = told_by("sendgrid")
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", SILENCE)
    async with world.running() as engine:
        stored = await world.in_doubt(engine)
        await take(engine, about(stored, event))
        assert (await world.delivery(stored)).state is DeliveryState.SENT
        assert (await world.delivery(stored)).provider_message_id == "abcdef"
    assert (await world.verdicts())[-1:] == [("found", None)]
    assert world.wire.accounts() == ["a"]


@pytest.mark.parametrize("event", [{"event": "teleported"}])
async def test_what_nobody_understands_proves_nothing(world, event):
    world.wire.script("a", LOST)
    world.wire.script_lookups("a", SILENCE)
    async with world.running() as engine:
        stored = await world.in_doubt(engine)
        await take(engine, about(stored, event))
        assert (await world.delivery(stored)).state is DeliveryState.UNCERTAIN


@pytest.mark.parametrize("event", [{"event": "processed"}, {}, HARD])
async def test_what_is_told_of_a_mail_that_nobody_could_tell_of_ends_its_being_held(event):
    world = told_by("sendgrid", base=MUTE)
    world.wire.script("a", LOST_BUT_TAKEN)
    async with world.running() as engine:
        stored = await accepted(engine, on_unknown=OnUnknown.HOLD)
        assert (await world.ended(stored)).state is DeliveryState.HELD
        await take(engine, about(stored, event), account="b")
        assert (await world.delivery(stored)).state is DeliveryState.HELD
        await take(engine, about(stored, event))
        assert (await world.delivery(stored)).state is DeliveryState.SENT
        assert (await world.delivery(stored)).provider_message_id == "abcdef"
    assert (await world.verdicts())[-1:] == [("found", None)]
    assert world.wire.accounts() == ["a"]


PARKED = Outcome(kind=Kind.HELD, status=202, text="paused", provider_message_id="abcdef")


@pytest.mark.parametrize(
    ("event", "is_released"),
    [
        ({"event": "processed"}, False),
        ({"event": "deferred", "response": "451 later"}, False),
        ({}, True),
        (HARD, True),
        ({"event": "dropped", "reason": "Spam Content"}, True),
    ],
)
async def test_what_a_provider_has_parked_is_sent_when_it_tells_of_its_fate(event, is_released):
    world = told_by("sendgrid", base=replace(PROVIDER, read=lambda *_: PARKED))
    async with world.running() as engine:
        stored = await accepted(engine)
        assert (await world.ended(stored)).state is DeliveryState.HELD
        await take(engine, about(stored, event))
        state = (await world.delivery(stored)).state
    assert state is (DeliveryState.SENT if is_released else DeliveryState.HELD)
    assert world.wire.accounts() == ["a"]


async def test_what_a_person_has_decided_is_not_changed_by_what_is_told():
    world = told_by("sendgrid", base=replace(PROVIDER, read=lambda *_: PARKED))
    async with world.running() as engine:
        stored = await accepted(engine)
        await world.ended(stored)
        await elapse(3600.0)  # a person waits until the attempt is over for certain
        failed = Act(action=Action.RESOLVE, decision=Decision.FAILED, attempts=1, why="no")
        answer = await engine.desk.act(CALLER, stored.message.id, failed)
        assert isinstance(answer, Stored), answer
        await take(engine, about(stored, {}))
        assert (await world.delivery(stored)).state is DeliveryState.FAILED


async def test_an_event_that_names_everybody_is_of_nobody_unless_the_mail_has_one_recipient():
    world = told_by("resend")
    bounce = {"type": "Permanent", "subType": "General", "diagnosticCode": "550 5.1.1 no such user"}
    async with world.running() as engine:
        for cc in ((Address("eve@example.net"),), ()):
            stored = await sent(world, engine, cc=cc)
            event = resend.event("email.bounced", bounce=bounce, tags={"everpost_id": stored.deliveries[0].id})
            assert (await take(engine, resend.request(event, at=world.clock.now()))).joined == 1
            suppressed = await world.store.suppressed("shop", ["bob@example.org", "eve@example.net"])
            assert [row.address for row in suppressed] == ([] if cc else ["bob@example.org"])
    assert [event.data.get("place") for event in await of_recipients(world)] == [None, 0]


async def test_what_was_told_before_the_doubt_settles_it_without_a_question():
    world = told_by("sendgrid", base=MUTE)
    world.wire.script("a", SILENCE)
    async with world.running() as engine:
        stored = await accepted(engine, on_unknown=OnUnknown.RESEND)
        await elapse(0.1)
        await take(engine, about(stored, {}))
        one = await world.ended(stored)
    assert (one.state, one.account) == (DeliveryState.SENT, "a")
    assert world.wire.accounts() == ["a"]  # a mute provider's mail would have been sent again


async def test_somebody_who_waits_for_the_end_hears_of_it(world):
    world.wire.script("a", LOST_BUT_TAKEN)
    world.wire.script_lookups("a", SILENCE)
    async with world.running() as engine:
        stored = await world.in_doubt(engine)
        with engine._deliverer.watches.watch(stored.message.id) as watch:
            await take(engine, about(stored, {}))
            assert watch.stirred.is_set()


# --- what is refused -------------------------------------------------------------------------------------------------


async def test_an_account_that_is_not_there_takes_nothing(world):
    async with world.running() as engine:
        told = await take(engine, sendgrid_request([sendgrid_event()]), account="nobody")
    assert told == Untaken("unknown_account", "there is no account 'nobody' whose provider sends events")


async def test_an_account_without_a_secret_takes_nothing():
    world = told_by("sendgrid", secrets={"sendgrid": ""})
    async with world.running() as engine:
        told = await take(engine, sendgrid_request([sendgrid_event()]))
    assert told == Untaken("unconfigured", "accounts.a.webhook_secret is not set: nothing can be verified")
    assert await of_recipients(world) == []


async def test_what_is_forged_leaves_nothing_behind():
    world = told_by("sendgrid", secrets=OTHER_SECRETS)
    async with world.running() as engine:
        stored = await sent(world, engine)
        before = await world.events()
        told = await take(engine, about(stored, HARD))
        assert isinstance(told, Untaken)
        assert (told.why, await world.events()) == ("forged", before)


async def test_a_token_is_good_for_one_body_however_often_that_comes():
    world = told_by("mailgun")
    async with world.running() as engine:
        stored = await sent(world, engine)
        mine = {"user-variables": {"everpost_id": stored.deliveries[0].id}}
        genuine = mailgun_request(mailgun_event(**mine))
        assert await take(engine, genuine) == Taken(joined=1)
        assert await take(engine, genuine) == Taken(joined=1, repeated=1)
        forged = mailgun_request(mailgun_event("complained", **mine))
        assert await take(engine, forged) == Untaken("forged", "its signature was used before, for another event")
        assert (await take(engine, mailgun_request(mailgun_event("opened", **mine), token="another"))).joined == 1


async def test_what_makes_no_sense_at_all_is_kept_once(world):
    async with world.running() as engine:
        assert await take(engine, sendgrid_request(b"\xff" * 100_000)) == Taken(unreadable=1)
        assert await take(engine, sendgrid_request(b"\xff" * 100_000)) == Taken(unreadable=1, repeated=1)
        (event,) = await world.events(EventType.WEBHOOK_UNREADABLE)
        assert len(await world.store.paper(event.id, None)) == 16 * 1024
    assert event.data["size_bytes"] == 100_000


async def test_an_unsigned_request_is_refused(world):
    async with world.running() as engine:
        told = await take(engine, request(b"[]", {}))
    assert isinstance(told, Untaken)
