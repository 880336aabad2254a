"""Clocks that jump by a day, under load: nothing is lost and nothing is sent twice; only delays change."""

import asyncio
import random
import time
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

import pytest

from crash.books import breaks, read_books, settled
from crash.load import Load
from crash.processes import ask, installation, until
from system_parts import missing, program

ACKNOWLEDGED = 100  # before the clock jumps again
DAY_S = 86_400
JUMPS = (("+1d", DAY_S), ("-1d", -DAY_S), ("+0", 0), ("+1d", DAY_S))  # as libfaketime has them, and in seconds
SHOWN_WITHIN_S = 30.0
NEAR_S = 3600.0
LATEST = "+90000"  # an hour after the latest time that was ever shown: all is due
SETTLED_WITHIN_S = 150.0
TAKEN = ({"kind": "accept_hang", "share": 0.1}, {"kind": "accept_reset", "share": 0.1})  # and not a word about it
NOT_TAKEN = {"kind": "hang", "share": 0.1}


class WallClock:
    """That of one server, by libfaketime; monotonic time goes on as it is. The providers' clocks are right."""

    def __init__(self, path):
        self._path = path
        program("faketime")
        libraries = list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        if not libraries:
            missing("the library of faketime is not where Debian puts it")
        self.environ = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",  # as many seconds a jump may come late
        }
        self.show("+0")

    def show(self, offset):
        """At once, whole or not at all."""
        new = self._path.with_suffix(".new")
        new.write_text(offset + "\n")
        new.replace(self._path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("restarts", [False, True], ids=["while it runs", "across restarts"])
async def test_clocks_that_jump_by_a_day_lose_nothing_and_send_nothing_twice(tmp_path, restarts, crash_seed):
    clock = WallClock(tmp_path / "clock")
    async with installation(tmp_path) as place:
        wrong, right = place.add_server(), place.add_server()
        wrong.environ = clock.environ
        await asyncio.gather(wrong.start(), right.start())
        load = Load([wrong.url, right.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
        with load.running():
            await place.put_faults("mailgun", *TAKEN)
            await place.put_faults("sendgrid", NOT_TAKEN)  # its records go back for long enough to prove that
            for offset, offset_s in JUMPS:
                if restarts:
                    assert await wrong.end(30.0) == 0
                clock.show(offset)
                if restarts:
                    await wrong.start()
                await until(partial(_is_off_by, wrong, offset_s), SHOWN_WITHIN_S)
                await load.more(ACKNOWLEDGED)
            await place.heal()
            await load.stop()
        await right.kill()
        clock.show(LATEST)
        await settled(place, wrong, SETTLED_WITHIN_S)
        books = await read_books(place, wrong, load.read_journal())
    print(f"seed {crash_seed}: {load.handed_in} mails, {dict(books.by_state)}")  # noqa: T201
    assert load.surprises == [], crash_seed
    assert breaks(books) == [], crash_seed
    assert {event["data"].get("verdict") for event in books.events} >= {"found"}
    assert _days_apart(books.events) >= 2


async def _is_off_by(server, seconds):
    """By the date of its answers."""
    _, _, headers = await ask("GET", f"{server.url}/healthz")
    shown_at = parsedate_to_datetime(headers["date"]).timestamp()
    return abs(shown_at - time.time() - seconds) < NEAR_S


def _days_apart(events):
    days = [event["time"][:10] for event in events]
    return len(set(days)) - 1
