"""What the events of real runs tell is what the reference says of them."""

import json
from collections import defaultdict

import pytest
from msgspec.structs import replace

from core_values import queued, route, send
from engine_kit import BAD_KEY, CALLER, TAKEN, World, accepted, barred, elapse
from everpost.core import noticing, transitions
from everpost.core.decide import Fail, Skip, Wait
from everpost.core.noticing import Join
from everpost.engine.idempotency import Idempotency
from everpost.engine.keys import Keyring
from everpost.engine.templates import Templates
from everpost.engine.webhooks import replays
from everpost.model.act import Act, Action, Decision
from everpost.model.capability import Loss
from everpost.model.event import Event, EventType
from everpost.model.facts import FACTS
from everpost.model.key import Scope
from everpost.model.message import Address, OnUnknown, Origin
from everpost.model.outcome import Kind, Outcome
from everpost.model.sighting import Reason, Sighting, SightingKind, Unreadable
from everpost.model.template import Template
from everpost.providers.contract import HttpRequest
from everpost.store.undo import undone
from everpost.wiring import PROVIDERS
from hook_values import EVENTS, REQUESTS, SECRETS
from provider_cases import FIXTURES
from records_kit import world_of
from sim.providers import PROVIDER
from store_values import NOW, message
from town import BOTH, Town
from webhook_kit import Hooked, made

AGAIN = Act(action=Action.RESEND, why="they have lost it")
SKIPPED = (Skip("b", "down"),)


def changes():
    """Every change of a delivery, with all that it may tell."""
    begun = transitions.begin(queued(), send(), (), 60.0, NOW).delivery
    for kind in Kind:
        retry_after_s = 7.0 if kind is Kind.THROTTLED else None
        outcome = Outcome(kind=kind, status=200, text="words", provider_message_id="x", retry_after_s=retry_after_s)
        yield transitions.settle(begun, outcome, NOW + 1, (Loss.TAGS,))
    yield transitions.overriding(transitions.begin(queued(), send(), (), 60.0, NOW), [0])
    yield transitions.begin(queued(), send(lost=(Loss.TAGS,)), (), 60.0, NOW)
    yield transitions.lost(begun, NOW)
    yield transitions.found(begun, "x", NOW)
    yield transitions.absent(begun, NOW)
    yield transitions.unresolved(begun, OnUnknown.RESEND, "why", NOW)
    yield transitions.unresolved(begun, OnUnknown.HOLD, "why", NOW)
    yield transitions.postpone(queued(), Wait(until=NOW + 9, reason="why", skipped=SKIPPED, round_over=True), NOW)
    yield transitions.fail(queued(), Fail(reason="why", skipped=SKIPPED), NOW)
    yield transitions.expire(queued(), NOW)
    yield transitions.leave_out(queued(), message(), [0], NOW)
    yield transitions.cancel(queued(), "somebody", NOW, "why")
    yield transitions.reschedule(queued(), NOW + 9, "somebody", "why", NOW)
    for decision in Decision:
        yield transitions.decide(transitions.lost(begun, NOW).delivery, decision, "somebody", "why", NOW)


async def events_of(world):
    """Those of a busy day: mail, a broken account, a route, a suppression, an erasure, keys."""
    keyring = Keyring(world.store, world.clock.now)
    key, _ = await keyring.create("shop", Scope.SEND, "the shop's", by="somebody")
    await keyring.revoke(key.id, by="somebody")
    templates = Templates(world.engine().ports)
    await templates.put(CALLER, Template(id="hello", project="", text="Hello {{name}}"))
    await templates.delete(CALLER, "hello")
    world.wire.script("a", BAD_KEY, TAKEN)
    world.wire.script("b", TAKEN)
    async with world.running() as engine:
        await accepted(engine, tags=("x",), send_at=NOW + 1, origin=Origin(trace="00-1-2-01"))
        await elapse(3600)
        stored = await accepted(engine)
        await elapse(3600)
        await engine.desk.resend(CALLER, stored.message.id, AGAIN, Idempotency("shop:resend", "key", b""))
        await elapse(3600)
        await engine.console.suppressing.put(CALLER, [barred("eve@example.net", stream="news", expires_at=NOW + 1e6)])
        await engine.console.suppressing.put(CALLER, [barred("mallory@example.net"), barred("mallory@example.org")])
        await engine.console.suppressing.remove(CALLER, "eve@example.net", "news")
        await engine.console.set_default(CALLER, "b")
        await steered(engine.console)
        await engine.console.erase(CALLER, "bob@example.org", dry_run=False)
        return await world.events()


async def steered(console):
    """A route is weighted and may lose tags, an account is paused and comes back; each with a reason."""
    accounts = route(("a", 2.0), ("b", 1.0)).accounts
    weighted = replace(await console.route("default"), accounts=accounts, allow_loss=(Loss.TAGS,))
    await console.put_route(CALLER, weighted, None, "to compare them")
    await console.steering.pause(CALLER, "a", "it is slow", paused=True)
    await console.steering.pause(CALLER, "a", "it is quick again", paused=False)


async def events_of_a_probe():
    request = HttpRequest(method="GET", url="sim://a/lookup", headers={})
    world = World("a", provider=replace(PROVIDER, probe=lambda _: request))
    await world.engine().console.steering.probe(CALLER, "a", "is it there?")
    return await world.events()


async def events_of_a_grey_outage():
    """An account accepts mail and loses it, and then no more."""
    world = world_of("sendgrid", "a")
    async with world.running() as engine:
        for losing in (0.0, 1.0, 0.0):
            world.wire.of["a"].losing = losing
            for number in range(60):
                await accepted(engine, to=(Address(f"bob{number}@example.org"),))
                await elapse(20.0)
        return await world.events()


async def events_of_a_late_provider():
    """What an account accepts is delivered, then nothing is told of it, then it is delivered again."""
    town = Town("a")
    async with town.world.running() as engine:
        for tells in (BOTH, (), BOTH):
            town.tells["a"] = tells
            await town.mails(engine, 1200)
    return await town.told(EventType.ACCOUNT_DEGRADED, EventType.ACCOUNT_RECOVERED)


async def events_of_a_webhook():
    """From its first day to its last; its test is no part of the trail, and is told to its receiver alone."""
    hooked = Hooked(World())
    engine = hooked.engine()
    webhook = await made(engine)
    await engine.webhooks.change(CALLER, webhook.id, {"description": "x"})
    await engine.webhooks.rotate(CALLER, webhook.id)
    await engine.webhooks.test(CALLER, webhook.id)
    [test] = hooked.receivers.got
    await hooked.happen(1)
    [one, *_] = await hooked.world.store.read_events(0, 1)
    for wanted in (replays.One(str(one.seq)), replays.Range(since=NOW, until=None)):
        await engine.webhooks.replay(CALLER, webhook, wanted)
    await engine.webhooks.disable(webhook, "it is gone")
    await engine.webhooks.delete(CALLER, webhook.id)
    told = {name: value for name, value in test.event["data"].items() if name != "project"}
    return [*await hooked.world.events(), Event(id="x", type=EventType.WEBHOOK_TEST, at=NOW, project="shop", data=told)]


def sightings():
    """Every event of the fixtures; and what no provider here tells."""
    for name in SECRETS:
        for case in json.loads((FIXTURES / name / "events.json").read_text()):
            yield from PROVIDERS[name].webhook.read(REQUESTS[name](EVENTS[name](**case["event"])).body)
    usual = {"native": "x", "raw": b"{}", "recipient": "bob@example.org", "provider_message_id": "1"}
    diagnosis = {"reason": Reason.OTHER, "smtp_code": 550, "enhanced_status": "5.0.0", "text": "no"}
    yield from (Sighting(kind=kind, **usual) for kind in (SightingKind.SENT, SightingKind.AUTORESPONDED))
    yield Sighting(kind=SightingKind.FAILED, **usual, **diagnosis)
    yield Sighting(kind=SightingKind.SUPPRESSION_ADDED, **usual, reason=Reason.SUPPRESSED_BOUNCE)
    others = (SightingKind.INBOUND, SightingKind.SUPPRESSION_REMOVED, SightingKind.UNKNOWN)
    yield from (Sighting(kind=kind, **usual) for kind in others)


def events_of_sightings():
    join = Join(delivery=queued(), message=message(), by="metadata")
    yield noticing.unreadable_event(Unreadable(b"{", "no JSON"), "a", NOW)
    for sighting in sightings():
        yield noticing.event_of(sighting, "a", None, NOW)
        told = noticing.event_of(sighting, "a", join, NOW)
        yield told
        if row := noticing.suppression_of(told, sighting, join, NOW):
            yield noticing.suppression_event(told, row)


async def test_events_tell_what_the_reference_says_and_no_more(world):
    told = defaultdict(set)
    days = (
        events_of(world),
        events_of_a_probe(),
        events_of_a_grey_outage(),
        events_of_a_late_provider(),
        events_of_a_webhook(),
    )
    for event in [event for day in days for event in await day] + [*events_of_sightings()]:
        told[event.type] |= event.data.keys()
    for change in changes():
        for event in change.events:
            told[event.type] |= event.data.keys()
    told[EventType.CANCELLED] |= undone(queued(), NOW)[1].data.keys()
    assert told == {type_: set(fact.data) for type_, fact in FACTS.items()}


@pytest.mark.parametrize("type_", list(EventType))
def test_every_event_has_a_meaning(type_):
    assert FACTS[type_].meaning.endswith(".")
