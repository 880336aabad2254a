"""Two servers on one data folder: what one leaves behind or learns, the other takes up or knows."""

import asyncio
import random
import signal

import pytest

from crash.books import breaks, in_hand, read_books, settled, states_of
from crash.load import Load
from crash.processes import PROVIDERS, ask, installation, until

SETTLED_WITHIN_S = 120.0
SLOW = {"kind": "slow", "delay_s": 0.3}
LOST = "the worker was lost"


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_a_server_had_in_hand_when_it_died_for_good_is_handed_over_by_the_other(tmp_path, crash_seed):
    async with installation(tmp_path) as place:
        dead, alive = place.add_server(), place.add_server()
        await asyncio.gather(dead.start(), alive.start())
        load = Load([dead.url, alive.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
        with load.running():
            await place.put_faults("mailgun", {"kind": "accept_hang", "share": 0.3}, SLOW)
            await load.more(200)
            await in_hand(place, alive, 10)
            await dead.kill()
            by_state, _ = await states_of(place, alive)
            load.urls.remove(dead.url)
            await load.more(100)
            await place.heal()
            await load.stop()
        await settled(place, alive, SETTLED_WITHIN_S)
        books = await read_books(place, alive, load.read_journal())
    assert by_state["sending"] > 0
    assert load.surprises == [], crash_seed
    assert breaks(books) == [], crash_seed
    assert any(LOST in event["data"].get("text", "") for event in books.events)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_server_that_was_frozen_past_its_leases_sends_nothing_twice_when_it_goes_on(tmp_path, crash_seed):
    """A server that is frozen in the middle of a commit holds the lock of the database, and no other can write until
    it goes on or is killed: that is SQLite's way, and costs time, not mail. So it is frozen outside of one here."""
    async with installation(tmp_path) as place:
        frozen, awake = place.add_server(), place.add_server()
        await asyncio.gather(frozen.start(), awake.start())
        load = Load([frozen.url, awake.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
        with load.running():
            for provider in PROVIDERS:
                await place.put_faults(provider, SLOW)
            await load.more(200)
            await _freeze(place, frozen, load)
            load.urls.remove(frozen.url)
            await load.more(50)
            await load.stop()
        await settled(place, awake, SETTLED_WITHIN_S)
        assert frozen.process.returncode is None
        frozen.process.send_signal(signal.SIGCONT)
        again = Load([frozen.url], place.token, tmp_path / "again.jsonl", random.Random(crash_seed), first=1_000_000)
        with again.running():
            await again.more(50)
            await again.stop()
        await settled(place, frozen, SETTLED_WITHIN_S)
        books = await read_books(place, awake, [*load.read_journal(), *again.read_journal()])
    assert load.surprises + again.surprises == [], crash_seed
    assert breaks(books) == [], crash_seed
    assert any(LOST in event["data"].get("text", "") for event in books.events)


async def _freeze(place, frozen, load):
    """With attempts under way and without the lock of the database."""
    while True:
        await load.more(10)
        frozen.process.send_signal(signal.SIGSTOP)
        if await place.can_be_written():
            return
        frozen.process.send_signal(signal.SIGCONT)


@pytest.mark.slow
async def test_a_default_account_set_through_one_server_holds_for_the_other(tmp_path):
    async with installation(tmp_path) as place:
        one, other = place.add_server(), place.add_server()
        await asyncio.gather(one.start(), other.start())
        assert await _default(place, other) == "mailgun"
        await place.call(one, "POST", "/setEmailProvider", {"provider": "sendgrid"})

        async def it_holds():
            return await _default(place, other) == "sendgrid"

        await until(it_holds, within_s=5.0)
        assert (await _sent(place, other))["deliveries"][0]["account"] == "sendgrid"


@pytest.mark.slow
async def test_a_circuit_that_one_server_has_opened_spares_the_other_its_own_attempts(tmp_path):
    async with installation(tmp_path) as place:
        one, other = place.add_server(), place.add_server()
        await asyncio.gather(one.start(), other.start())
        await place.put_faults("mailgun", {"kind": "refuse"})
        while await _circuit(place, one, "mailgun") != "open":
            await _sent(place, one)
        assert await _circuit(place, other, "mailgun") == "open"
        mail = await _sent(place, other)
        assert [(attempt["account"], attempt["outcome"]) for attempt in mail["attempts"]] == [
            ("mailgun", "skipped"),
            ("sendgrid", "accepted"),
        ]


async def _sent(place, server):
    mail = {"from": "ann@example.com", "to": ["bob@example.org"], "subject": "Hello", "text": "It works"}
    headers = {"Authorization": f"Bearer {place.token}", "Prefer": "wait=5"}
    status, answer, _ = await ask("POST", f"{server.url}/v1/emails", mail, headers)
    assert (status, answer["state"]) == (200, "sent")
    return answer


async def _default(place, server):
    return (await place.call(server, "GET", "/getEmailProvider"))["provider"]


async def _circuit(place, server, account):
    page = await place.call(server, "GET", "/v1/accounts")
    return next(one["circuit"]["state"] for one in page["data"] if one["name"] == account)
