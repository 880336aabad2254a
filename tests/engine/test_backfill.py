"""What webhooks have missed is asked for, and is there once, whichever way it came first."""

from asyncio import gather
from contextlib import asynccontextmanager
from itertools import count
from math import ceil

import pytest
from msgspec.structs import replace

from engine_kit import CALLER, GONE, accepted, elapse
from everpost.core.recipients import statuses_of
from everpost.dialects.contract import Parsed
from everpost.engine.backfill import LOOKS, Filled
from everpost.model.event import EventType
from everpost.model.key import Scope
from everpost.model.message import Address
from everpost.model.recipient import RecipientState
from everpost.providers.history import SLICE_S
from everpost.providers.hooks import HookRequest
from everpost.sandbox.events import FATES, Particular, Told, fate_of
from everpost.sandbox.inbox import Happened
from everpost.sandbox.telling import TELLERS
from everpost.store.port import StoreUnavailable
from everpost.wiring import PROVIDERS
from records_kit import world_of

LISTED = ("mailgun", "sparkpost", "brevo", "mailersend", "mandrill")
ASKED_EACH = ("sendgrid", "postmark", "mailjet", "mailtrap")  # mail by mail
NAMES = (*LISTED, *ASKED_EACH)
LAST_ALONE = ("resend", "scaleway")  # of a mail they list no more than what became of it last
UNLISTED = {"mandrill": {EventType.RECIPIENT_DEFERRED}}
EVERY_S = 600.0
RECEIVERS = ("bob", *FATES)
each_provider = pytest.mark.parametrize("name", NAMES)


class House:
    """A world with a provider that lists what becomes of mail, and posts it unless its webhooks are lost."""

    def __init__(self, name, *, every_s=None):
        self.name = name
        self.world = world_of(name, "a")
        self.teller = TELLERS[name]()
        settings = self.world.accounts[0].settings | {"webhook_secret": self.teller.secret}
        if isinstance(self.teller, Particular):
            settings |= self.teller.settings("https://hooks.test/a", "")
        self.world.accounts = (replace(self.world.accounts[0], settings=settings, backfill_every_s=every_s),)
        self.inbox = self.world.wire.of["a"].inbox
        tellable = {"queued", *self.teller.native}
        self.receivers = [each for each in RECEIVERS if tellable.issuperset(fate_of(each))]
        self.posts = []
        self.mails = []
        self.numbers = count(1)

    @asynccontextmanager
    async def running(self):
        async with self.world.running() as engine:
            await engine.keyring.create(CALLER.project, Scope.SEND, "the shop's")
            yield engine

    async def sent(self, engine):
        number = next(self.numbers)  # who has bounced is not written to again
        to = tuple(Address(f"{fate}+{number}@example.org") for fate in self.receivers)
        stored = await accepted(engine, to=to, text="It is long enough")
        self.mails.append(stored.message.id)
        await self.world.ended(stored)
        caught = self.inbox.list(1)[0]
        for place, address in enumerate(caught.draft.recipients):
            for what in fate_of(address.email):
                now = self.world.clock.now()
                self.inbox.tell(caught.id, [Happened(place, what, now)])
                told = Told(caught=caught, place=place, what=what, at=now)
                self.posts += self.teller.posts([told], now) if what in self.teller.native else []
        return stored

    async def sent_each(self, engine):
        """A mail for each receiver."""
        receivers, stored = self.receivers, []
        for self.receivers in [[each] for each in receivers]:
            stored.append(await self.sent(engine))
        self.receivers = receivers
        return stored

    async def read_in(self, engine):
        """What webhooks tell, without their proofs."""
        for post in self.posts:
            read = PROVIDERS[self.name].webhook.read(post.body)
            await engine.ingestor.keep("a", read, self.world.clock.now())

    async def hooked(self, engine):
        """The webhooks arrive after all."""
        now = self.world.clock.now()
        for post in self.posts:
            headers = {name.lower(): value for name, value in post.headers.items()}
            request = HookRequest(method="POST", url="/", headers=headers, body=post.body, received_at=now)
            assert (await engine.ingestor.take_in("a", request)).joined

    async def states(self, engine, stored):
        shown = await engine.console.message(CALLER.project, stored.message.id)
        return [one.state for one in statuses_of(shown.message, shown.deliveries, shown.events)]

    async def told(self):
        unlisted = UNLISTED.get(self.name, ())
        told = [event for event in await self.world.events() if event.type.startswith("recipient.")]
        return sorted(event.id for event in told if event.type not in unlisted)

    async def facts(self):
        events = [event for event in await self.world.events() if event.type.startswith("recipient.")]
        return sorted((self.mails.index(event.message_id), event.type, event.data["place"]) for event in events)

    def since(self):
        return self.world.clock.now() - 3600.0


@each_provider
async def test_what_was_listed_is_what_webhooks_would_have_told(name):
    hooked, filled = House(name), House(name)
    async with hooked.running() as engine:
        stored = await hooked.sent(engine)
        await hooked.hooked(engine)
        expected = await hooked.states(engine, stored)
        addresses = [f"{fate}+1@example.org" for fate in hooked.receivers]
        barred = [row.address for row in await hooked.world.store.suppressed(CALLER.project, addresses)]
    assert len(set(expected)) >= 4
    async with filled.running() as engine:
        stored = await filled.sent(engine)
        await elapse(1.0)
        told = await engine.backfill.fill("a", filled.since())
        assert await filled.states(engine, stored) == expected
        assert [row.address for row in await filled.world.store.suppressed(CALLER.project, addresses)] == barred
    assert (told.trouble, told.listed, told.joined) == ("", told.fresh, told.fresh)
    expected = {fact for fact in await hooked.facts() if fact[1] not in UNLISTED.get(name, ())}
    assert set(await filled.facts()) >= expected  # of a refused mail it lists that it was taken, too


@each_provider
async def test_no_event_is_there_twice_whichever_way_it_came_first(name):
    house = House(name)
    async with house.running() as engine:
        stored = await house.sent(engine)
        await elapse(1.0)
        await engine.backfill.fill("a", house.since())
        once, states = await house.told(), await house.states(engine, stored)
        await house.hooked(engine)
        again = await engine.backfill.fill("a", house.since())
        assert await house.told() == once
        assert await house.states(engine, stored) == states
        assert (again.fresh, again.listed) == (0, len(once))
        await house.sent(engine)
        await house.hooked(engine)
        await elapse(1.0)
        await engine.backfill.fill("a", house.since())
    facts = await house.facts()
    assert len(facts) == len(set(facts)) > len(once)


@pytest.mark.parametrize("name", LAST_ALONE)
async def test_the_last_that_became_of_a_mail_is_enough_to_know_its_state(name):
    house = House(name)
    async with house.running() as engine:
        mails = await house.sent_each(engine)
        since = house.since()
        await elapse(32 * 3600.0)
        assert (await engine.backfill.fill("a", since)).trouble == ""
        filled = [await house.states(engine, stored) for stored in mails]
        once = await house.told()
        await house.read_in(engine)
        assert [await house.states(engine, stored) for stored in mails] == filled
        assert (await engine.backfill.fill("a", since)).fresh == 0
        facts = await house.facts()
    assert len(facts) == len(set(facts)) > len(once) > 0
    assert len({state for states in filled for state in states}) >= 3


async def test_a_bounce_without_its_class_waits_for_the_webhook_that_has_it():
    house = House("resend")
    house.receivers = ["bounce"]
    async with house.running() as engine:
        stored = await house.sent(engine)
        await elapse(3600.0)
        await engine.backfill.fill("a", house.since() - 3600.0)
        assert await house.states(engine, stored) == [RecipientState.SENT]
        await house.read_in(engine)
        assert await house.states(engine, stored) == [RecipientState.BOUNCED]
        assert await house.world.store.suppressed(CALLER.project, ["bounce+1@example.org"])


@pytest.mark.parametrize("name", sorted({*NAMES} - {"mandrill"}))
async def test_a_list_of_many_pages_is_read_to_its_end(name):
    house = House(name)
    async with house.running() as engine:
        for _ in range(80):
            await house.sent(engine)
        await elapse(1.0)
        filled = await engine.backfill.fill("a", house.since())
        asked = len(house.world.wire.of["a"].asked)
    assert filled.fresh == len(await house.told()) > 600
    assert asked > ceil(3600.0 / PROVIDERS[name].history.slice_s)


@each_provider
async def test_an_account_is_asked_by_schedule_for_what_has_happened_since(name):
    house = House(name, every_s=EVERY_S)
    async with house.running() as engine:
        stored = await house.sent(engine)
        await elapse(EVERY_S * (1 + 2 / LOOKS))
        assert RecipientState.SENT not in await house.states(engine, stored)
        before = await house.told()
        await elapse(2 * EVERY_S)
        assert await house.told() == before
        other = await house.sent(engine)
        await elapse(EVERY_S * (1 + 2 / LOOKS))
        assert await house.states(engine, other) == await house.states(engine, stored)


async def test_of_several_processes_one_asks():
    house = House("mailgun", every_s=EVERY_S)
    async with house.running(), house.running(), house.running():
        await elapse(10 * EVERY_S)
    slices = 10 * (1 + 1800.0 / SLICE_S)  # of each question: the time since, and that in which a list may lag
    assert slices / 2 <= len(house.world.wire.of["a"].asked) <= 2 * slices


def scheduled(house):
    """A process that is there when it is called, and else is not."""
    house.world.accounts = (replace(house.world.accounts[0], backfill_every_s=EVERY_S),)
    return house.world.engine(), house.world.wire.of["a"].asked


async def test_a_process_that_does_not_stay_asks_for_what_is_due_when_it_is_called():
    house = House("mailgun")
    async with house.running() as engine:
        stored = await house.sent(engine)
    called, asked = scheduled(house)
    await elapse(1.0)
    await called.backfill.catch_up()
    assert RecipientState.SENT not in await house.states(called, stored)
    once = len(asked)
    await elapse(EVERY_S / 2)
    await called.backfill.catch_up()
    assert len(asked) == once
    await elapse(EVERY_S / 2)
    await called.backfill.catch_up()
    assert len(asked) > once


async def test_of_processes_that_do_not_stay_one_asks_at_a_time():
    house = House("mailgun")
    called, asked = scheduled(house)
    await gather(called.backfill.catch_up(), house.world.engine().backfill.catch_up())
    at_once = len(asked)
    await elapse(EVERY_S)
    asked.clear()
    await called.backfill.catch_up()
    assert at_once <= len(asked)


async def test_a_process_that_does_not_stay_leaves_alone_for_a_while_whom_it_has_asked_in_vain():
    house = House("mailgun")
    house.world.wire.of["a"].deaf = 1.0
    called, asked = scheduled(house)
    await called.backfill.catch_up()
    await elapse(2 * EVERY_S)
    await called.backfill.catch_up()
    in_vain = len(asked)
    assert in_vain >= 1
    await elapse(EVERY_S / 2)
    await called.backfill.catch_up()
    assert len(asked) == in_vain
    await elapse(EVERY_S / 2)
    await called.backfill.catch_up()
    assert len(asked) == in_vain + 1


async def test_an_account_without_a_period_is_never_asked_by_itself():
    house = House("mailgun")
    async with house.running() as engine:
        assert not engine.backfill.is_scheduled
        await elapse(86_400.0)
    assert house.world.wire.of["a"].asked == []


async def test_what_could_not_be_asked_is_asked_later_and_nothing_is_left_out(caplog):
    house = House("mailgun", every_s=EVERY_S)
    house.world.wire.of["a"].deaf = 1.0
    async with house.running() as engine:
        stored = await house.sent(engine)
        await elapse(5 * 3600.0)
        assert await house.told() == []
        house.world.wire.of["a"].deaf = 0.0
        await elapse(3 * EVERY_S)
        assert RecipientState.SENT not in await house.states(engine, stored)
    assert "missed events are not listed" in {record.message for record in caplog.records}


async def test_a_question_that_gets_no_answer_says_what_was_done_so_far():
    house = House("mailgun")
    house.world.wire.of["a"].deaf = 1.0
    async with house.running() as engine:
        assert await engine.backfill.fill("a", house.since()) == Filled(trouble="the question got no answer: no answer")


@each_provider
async def test_an_answer_that_is_no_list_breaks_it_off(name):
    house = House(name)
    async with house.running() as engine:
        await house.sent(engine)
        house.world.wire.of["a"].conduct.rejected_keys = frozenset({"key-x"})
        filled = await engine.backfill.fill("a", house.since())
        assert (filled.listed, await house.told()) == (0, [])
    assert "401" in filled.trouble


async def test_trouble_with_the_store_puts_it_off():
    house = House("mailgun", every_s=EVERY_S)
    async with house.running() as engine:
        stored = await house.sent(engine)
        house.world.store.fails["note"] = GONE
        await elapse(2 * EVERY_S)
        with pytest.raises(StoreUnavailable):
            await engine.backfill.fill("a", house.since())
        house.world.store.fails.clear()
        await elapse(2 * EVERY_S)
        assert EventType.RECIPIENT_DELIVERED in {event.type for event in await house.world.events()}
        assert await house.states(engine, stored)


async def test_what_a_provider_leaves_out_is_told_and_does_not_stop_the_next_question(caplog):
    house = House("mandrill", every_s=EVERY_S)
    async with house.running() as engine:
        caught = (await house.sent(engine), house.inbox.list(1)[0])[1]
        for _ in range(125):
            house.inbox.add("mandrill", "x", caught.provider_message_id, Parsed(draft=caught.draft))
        await elapse(1.0)
        assert "more than 1000 mails" in (await engine.backfill.fill("a", house.since())).left_out
        await elapse(2 * EVERY_S)
        asked = len(house.world.wire.of["a"].asked)
        await elapse(2 * EVERY_S)
        assert len(house.world.wire.of["a"].asked) > asked
    assert "some events are not listed" in {record.message for record in caplog.records}
