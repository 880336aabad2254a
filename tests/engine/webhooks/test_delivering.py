"""Events to webhooks: at least once, each webhook at its own pace, with a schedule of more than a day."""

from itertools import pairwise

import pytest

from engine_kit import CALLER, accepted, elapse
from engine_kit import GONE as STORE_GONE
from everpost.engine.webhooks.courier import STAND_BY_S
from everpost.engine.webhooks.dispatcher import IDLE_S_MAX
from everpost.engine.webhooks.replays import One
from everpost.model.event import EventType
from everpost.model.limits import (
    WEBHOOK_BODY_BYTES_MAX,
    WEBHOOK_FAILING_S_MAX,
    WEBHOOK_REQUESTS_ALL_MAX,
    WEBHOOK_REQUESTS_MAX,
    WEBHOOK_WAITING_MAX,
)
from everpost.webhooks.schedule import JITTER, PAUSES_S, REST_S_MAX, RESTS_AFTER
from webhook_kit import BROKEN, GONE, REFUSED, TAKEN, URL, made, status

OTHER = "https://other.example.org/"
SOON_S = IDLE_S_MAX + 1.0
HOUR_S = 3600.0
DAY_S = 86_400.0


async def test_the_story_of_a_mail_is_posted_in_order_as_all_sinks_get_it(hooked):
    async with hooked.running() as engine:
        await made(engine)
        stored = await accepted(engine, wait_s=5.0)
        await elapse(SOON_S)
    got = hooked.receivers.of()
    assert [each.type for each in got] == ["email.accepted", "email.attempted", "email.sent"]
    assert {each.event["subject"] for each in got} == {stored.message.id}
    assert len({each.id for each in got}) == 3


async def test_news_are_posted_at_once_and_those_of_other_processes_soon(hooked):
    async with hooked.running() as engine:
        await made(engine)
        await elapse(100.0)
        await accepted(engine)
        await elapse(0.2)
        assert hooked.receivers.of()[0].type == "email.accepted"
        await elapse(100.0)
        before = len(hooked.receivers.got)
        await hooked.happen(1)
        await elapse(SOON_S)
        assert len(hooked.receivers.got) == before + 1


async def test_a_webhook_gets_what_happens_after_it_was_made(hooked):
    await hooked.happen(700)
    async with hooked.running() as engine:
        await made(engine)
        await hooked.happen(3, first=700)
        await elapse(SOON_S)
    assert hooked.receivers.ids == [f"em_{number}.0:2" for number in (700, 701, 702)]


@pytest.mark.usefixtures("news_come_seldom")
async def test_an_event_is_tried_by_the_schedule_and_then_given_up(hooked):
    poison = {"em_0.0:2": BROKEN}
    hooked.receivers.answers[URL] = lambda got: poison.get(got.event["id"], TAKEN)
    async with hooked.running() as engine:
        webhook = await made(engine)
        await hooked.happen(1)
        for number in range(1, 200):  # life goes on meanwhile
            await elapse(2000.0)
            await hooked.happen(1, first=number)
        await elapse(DAY_S)
        progress = await hooked.progress(webhook)
    tries = [got for got in hooked.receivers.got if got.event["id"] == "em_0.0:2"]
    assert len({got.id for got in tries}) == 1
    pauses = [later.at - sooner.at for sooner, later in pairwise(tries)]
    assert len(pauses) == len(PAUSES_S)
    for pause, planned in zip(pauses, PAUSES_S, strict=True):
        assert planned <= pause <= planned * (1 + JITTER) + 1
    assert (progress.given_up, progress.delivered, progress.waiting) == (1, 199, ())


async def test_an_event_that_fails_does_not_hold_up_those_behind_it(hooked):
    hooked.receivers.answers[URL] = lambda got: BROKEN if got.event["id"] == "em_3.0:2" else TAKEN
    async with hooked.running() as engine:
        webhook = await made(engine)
        await hooked.happen(100)
        await elapse(SOON_S)
        progress = await hooked.progress(webhook)
    assert progress.delivered == 99
    assert [waiting.tried for waiting in progress.waiting] == [1]


@pytest.mark.usefixtures("news_come_seldom")
async def test_an_outage_of_a_day_loses_nothing_and_is_not_hammered(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        hooked.receivers.answers[URL] = REFUSED
        await hooked.happen(1000)
        await elapse(DAY_S)
        tries = len(hooked.receivers.got)
        assert tries < 32 + 2 * DAY_S / REST_S_MAX
        del hooked.receivers.answers[URL]
        await elapse(4 * DAY_S)
        progress = await hooked.progress(webhook)
    assert progress.delivered == 1000
    assert progress.given_up == 0
    assert len({got.id for got in hooked.receivers.got[tries:]}) == 1000


@pytest.mark.usefixtures("news_come_seldom")
async def test_after_an_outage_it_is_noticed_within_minutes_that_the_receiver_is_back(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        hooked.receivers.answers[URL] = REFUSED
        await hooked.happen(300)
        await elapse(DAY_S)
        del hooked.receivers.answers[URL]
        await elapse((1 + JITTER) * REST_S_MAX + 60)
        assert (await hooked.progress(webhook)).delivered >= 300 - 2 * DAY_S / REST_S_MAX


@pytest.mark.usefixtures("news_come_seldom")
async def test_what_waits_is_bounded_and_the_rest_stays_in_the_trail(hooked):
    hooked.receivers.answers[URL] = lambda got: BROKEN if int(got.event["sequence"]) % 2 else TAKEN
    async with hooked.running() as engine:
        webhook = await made(engine)
        await hooked.happen(4 * WEBHOOK_WAITING_MAX)
        await elapse(600.0)
        progress = await hooked.progress(webhook)
        assert len(progress.waiting) <= WEBHOOK_WAITING_MAX
        assert progress.cursor < 4 * WEBHOOK_WAITING_MAX
        del hooked.receivers.answers[URL]
        await elapse(3 * DAY_S)
        assert (await hooked.progress(webhook)).delivered == 4 * WEBHOOK_WAITING_MAX


async def test_a_slow_webhook_slows_neither_another_one_nor_mail(hooked):
    hooked.receivers.after_s[OTHER] = 1e6
    async with hooked.running() as engine:
        await made(engine)
        await made(engine, OTHER)
        await hooked.happen(500)
        await elapse(8.0)
        assert len({got.id for got in hooked.receivers.of(URL) if got.type == "email.sent"}) == 500
        stored = await accepted(engine, wait_s=5.0)
        assert (await hooked.world.delivery(stored)).state == "sent"
        assert hooked.receivers.most[OTHER] <= WEBHOOK_REQUESTS_MAX


async def test_a_webhook_gets_a_bounded_number_of_requests_at_the_same_time(hooked):
    hooked.receivers.after_s[URL] = 0.5
    async with hooked.running() as engine:
        await made(engine)
        await hooked.happen(200)
        await elapse(30.0)
    assert len(set(hooked.receivers.sequences())) == 200
    assert hooked.receivers.most[URL] == WEBHOOK_REQUESTS_MAX


async def test_410_disables_a_webhook_with_a_notice(hooked):
    hooked.receivers.answers[URL] = GONE
    async with hooked.running() as engine:
        webhook = await made(engine)
        await made(engine, OTHER, events=("webhook.disabled",))
        await hooked.happen(1)
        await elapse(SOON_S)
        now = await hooked.webhook(webhook)
        assert (now.enabled, now.reason) == (False, "it has answered 410 Gone")
        await hooked.happen(5, first=1)
        await elapse(HOUR_S)
    assert len(hooked.receivers.of(URL)) == 1
    [notice] = hooked.receivers.of(OTHER)
    assert notice.event["data"]["webhook"] == webhook.id


@pytest.mark.usefixtures("news_come_seldom")
async def test_a_webhook_that_takes_nothing_for_days_is_disabled(hooked):
    hooked.receivers.answers[URL] = BROKEN
    async with hooked.running() as engine:
        webhook = await made(engine)
        await hooked.happen(RESTS_AFTER + 1)
        await elapse(WEBHOOK_FAILING_S_MAX - 3600)
        assert (await hooked.webhook(webhook)).enabled
        await hooked.happen(20, first=100)
        await elapse(8000.0)
        assert not (await hooked.webhook(webhook)).enabled
    [event] = await hooked.world.events(EventType.WEBHOOK_DISABLED)
    assert event.data == {"webhook": webhook.id, "reason": "it has taken nothing for 5 days"}


async def test_a_disabled_webhook_goes_on_where_it_has_stopped(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        await hooked.happen(2)
        await elapse(SOON_S)
        await engine.webhooks.change(CALLER, webhook.id, {"enabled": False})
        await elapse(SOON_S)
        await hooked.happen(3, first=2)
        await elapse(HOUR_S)
        assert len(hooked.receivers.got) == 2
        await engine.webhooks.change(CALLER, webhook.id, {"enabled": True})
        await elapse(SOON_S)
        assert hooked.receivers.ids == [f"em_{number}.0:2" for number in range(5)]


async def test_a_deleted_webhook_gets_nothing_more_and_leaves_nothing(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        await hooked.happen(1)
        await elapse(SOON_S)
        assert await engine.webhooks.delete(CALLER, webhook.id) is None
        await hooked.happen(3, first=1)
        await elapse(HOUR_S)
        assert len(hooked.receivers.got) == 1
    assert [name for name in await hooked.world.store.read_config("") if "webhook" in name] == []


async def test_a_receiver_that_asks_to_wait_is_left_alone_for_so_long(hooked):
    hooked.receivers.answers[URL] = status(429, retry_after="600")
    async with hooked.running() as engine:
        await made(engine)
        await hooked.happen(1)
        await elapse(SOON_S)
        await hooked.happen(50, first=1)
        await elapse(580.0)
        assert len(hooked.receivers.got) == 1
        del hooked.receivers.answers[URL]
        await elapse(60.0)
        assert len({got.id for got in hooked.receivers.got}) == 51


async def test_an_event_that_is_too_large_is_given_up_and_the_others_come(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        await hooked.happen(1)
        await hooked.happen(1, first=1, data={"text": "x" * WEBHOOK_BODY_BYTES_MAX})
        await hooked.happen(1, first=2)
        await elapse(SOON_S)
        progress = await hooked.progress(webhook)
    assert hooked.receivers.ids == ["em_0.0:2", "em_2.0:2"]
    assert (progress.given_up, progress.delivered) == (1, 2)
    assert any("at most" in attempt.error for attempt in progress.attempts)


async def test_one_process_delivers_at_a_time_and_another_one_goes_on_where_it_stops(hooked):
    async with hooked.running() as one:
        await made(one)
        async with hooked.running() as other:
            await hooked.happen(200)
            await elapse(30.0)
            assert sorted(hooked.receivers.sequences()) == sorted(set(hooked.receivers.sequences()))
            assert len(hooked.receivers.got) == 200
            assert other is not one
    hooked.receivers.got.clear()
    async with hooked.running():
        await hooked.happen(50, first=200)
        await elapse(STAND_BY_S + 30.0)
        assert len(hooked.receivers.got) == 50


async def test_a_process_that_dies_between_the_answer_and_its_writing_lets_it_come_twice(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        hooked.world.store.fails["write_config"] = STORE_GONE
        hooked.world.store.fails["read_config"] = STORE_GONE
        await elapse(SOON_S)
    hooked.world.store.fails.clear()
    async with hooked.running():
        await elapse(SOON_S)
        await hooked.happen(3)
        await elapse(1.9)
        hooked.world.store.fails["write_config"] = STORE_GONE
        await hooked.happen(3, first=3)
        await elapse(SOON_S)
        assert set(hooked.receivers.sequences()) == {2, 3, 4, 5, 6, 7}
        hooked.world.store.fails.clear()
        await elapse(60.0)
        progress = await hooked.progress(webhook)
    assert progress.delivered == 6
    twice = [got.id for got in hooked.receivers.got if got.event["id"] == "em_4.0:2"]
    assert len(twice) > 1
    assert len(set(twice)) == 1


async def test_events_of_a_type_an_account_or_a_tag(hooked):
    async with hooked.running() as engine:
        await made(engine, "https://types.example.com", events=("email.sent",))
        await made(engine, "https://accounts.example.com", accounts=("b",))
        await made(engine, "https://tags.example.com", tags=("vip",))
        await accepted(engine, wait_s=5.0, tags=("vip",))
        await accepted(engine, wait_s=5.0, tags=("other",))
        await elapse(SOON_S)
    assert [got.type for got in hooked.receivers.of("https://types.example.com")] == ["email.sent", "email.sent"]
    assert hooked.receivers.of("https://accounts.example.com") == []
    tagged = hooked.receivers.of("https://tags.example.com")
    assert [got.type for got in tagged] == ["email.accepted", "email.attempted", "email.sent"]
    assert len({got.event["subject"] for got in tagged}) == 1


async def test_how_far_a_webhook_is_behind_is_told_by_every_process(hooked):
    async with hooked.running() as engine, hooked.running() as other:
        webhook = await made(engine)
        await hooked.happen(1)
        await elapse(SOON_S)
        assert await engine.sink_lags_s() == await other.sink_lags_s() == {f"webhook/{webhook.id}": 0.0}
        hooked.receivers.answers[URL] = REFUSED
        await hooked.happen(100, first=1)
        await elapse(100.0)
        for process in (engine, other):
            assert 95.0 < (await process.sink_lags_s())[f"webhook/{webhook.id}"] < 105.0
    assert await hooked.engine(delivers=False).sink_lags_s() == {}


async def test_a_replay_that_is_asked_for_while_events_are_posted_and_they_both_count(hooked):
    async with hooked.running() as engine:
        webhook = await made(engine)
        await hooked.happen(1)
        await elapse(SOON_S)
        hooked.receivers.after_s[URL] = 1.0
        await hooked.happen(20, first=1)
        await elapse(2.5)
        assert len(hooked.receivers.got) > 1
        assert (await hooked.progress(webhook)).delivered == 1
        await engine.webhooks.replay(CALLER, webhook, One("2"))
        await elapse(60.0)
        progress = await hooked.progress(webhook)
    assert (progress.delivered, progress.waiting) == (22, ())
    assert sorted(hooked.receivers.sequences()) == sorted([*range(2, 23), 2])


async def test_all_webhooks_together_get_a_bounded_number_of_requests(hooked):
    async with hooked.running() as engine:
        for number in range(WEBHOOK_REQUESTS_ALL_MAX // WEBHOOK_REQUESTS_MAX + 5):
            url = f"https://{number}.example.com/"
            hooked.receivers.after_s[url] = 10.0
            await made(engine, url, events=("email.sent",))
        await hooked.happen(WEBHOOK_REQUESTS_MAX)
        await elapse(60.0)
    assert hooked.receivers.most_of_all == WEBHOOK_REQUESTS_ALL_MAX
    assert len(hooked.receivers.got) == WEBHOOK_REQUESTS_MAX * (number + 1)
