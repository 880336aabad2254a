"""Bad weather on each line of a fleet: to its database, its Valkey, its providers and its clients. Nothing acknowledged
is lost, nothing is sent twice, and when it is over all goes on by itself."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from chaos import NETWORK, Harm, chaos_before
from crash.books import trails
from crash.processes import PROVIDERS, installation
from crash.replicas import HURRY, Replicas, shared
from server_kit import HOST

STORM_S_MAX = 120.0
MAILS = 60  # acknowledged before the storm, in it, and after it
WITH_NOISE = (*NETWORK, Harm.NOISE)
# Noise in the middle of a session makes asyncpg read for ever: TLS, the default, lets none through.
LINES = {"postgres": NETWORK, "valkey": WITH_NOISE, "providers": NETWORK, "clients": NETWORK}


class Weather:
    """On one kind of lines; the others lead straight to where they should."""

    def __init__(self, stack, line, seed):
        self._stack, self._line, self._seed = stack, line, seed
        self._every = []

    async def before(self, line, port):
        """Where to go instead of to this port."""
        if line != self._line:
            return port
        chaos = await self._stack.enter_async_context(chaos_before(port, self._seed + len(self._every), LINES[line]))
        self._every.append(chaos)
        return chaos.port

    def storm(self):
        for chaos in self._every:
            chaos.storm()

    def calm(self):
        for chaos in self._every:
            chaos.calm()

    @property
    def struck(self):
        return sum((chaos.struck for chaos in self._every), Counter())

    async def has_struck(self):
        """Returns when each kind of harm has come by one of the lines."""
        while not set(LINES[self._line]) <= set(self.struck):
            heard = [asyncio.ensure_future(chaos.news()) for chaos in self._every]
            await asyncio.wait(heard, return_when=asyncio.FIRST_COMPLETED)
            for one in heard:
                one.cancel()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("line", LINES)
async def test_bad_weather_on_a_line_of_the_fleet_loses_and_doubles_nothing(
    tmp_path, postgres, valkey, crash_seed, line
):
    async with AsyncExitStack() as stack:
        weather = Weather(stack, line, crash_seed)
        parts = shared(await weather.before("postgres", postgres.port), await weather.before("valkey", valkey.port))
        place = await stack.enter_async_context(installation(tmp_path, parts))
        place.ports = {name: await weather.before("providers", place.ports[name]) for name in PROVIDERS}
        fleet = Replicas(place, random.Random(crash_seed), HURRY)
        await fleet.start()
        doors = [await weather.before("clients", door.port) for door in fleet.doors]
        fleet.load.urls = [f"http://{HOST}:{port}" for port in doors]
        with fleet.load.running():
            await fleet.load.more(MAILS)
            weather.storm()
            async with asyncio.timeout(STORM_S_MAX):
                await asyncio.gather(fleet.load.more(MAILS), weather.has_struck())
            weather.calm()
            await fleet.load.more(MAILS)
            await fleet.load.stop()
        books = await fleet.audited()
    fleet.tell(books, crash_seed, weather.struck)
    found = fleet.complaints(books)
    assert found == [], (crash_seed, trails(books, found))
