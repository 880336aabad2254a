"""A proof that can't fail proves nothing: fleets over PostgreSQL that are broken on purpose are caught."""

import random

import pytest

from crash.books import breaks, read_books, settled
from crash.processes import installation
from crash.replicas import SETTLED_WITHIN_S, Replicas, broken, shared
from postgres_proxy import BEFORE, PASS, proxy_to

CUTS = 15
ACKNOWLEDGED = 40


def cut_before(meant):
    """Connections to the database end just before such a write gets there."""

    async def strike(load, _, proxy):
        proxy.meant, proxy.cuts = meant, CUTS * [PASS, PASS, BEFORE]
        while proxy.cuts:
            await load.more(1)

    return strike


async def leave_alone(load, *_):
    await load.more(2 * ACKNOWLEDGED)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("mutant", "strike", "words"),
    [
        ("believe_lost_accepts", cut_before(b"email.accepted"), "acknowledged, but the server knows nothing of it"),
        ("believe_lost_changes", cut_before(b"email.attempted"), "handed over 2 times"),
        ("fence_nobody", leave_alone, "handed over 2 times"),
    ],
)
async def test_a_broken_fleet_over_postgresql_is_caught(tmp_path, postgres, valkey, mutant, strike, words):
    async with proxy_to(postgres.port) as proxy, installation(tmp_path, shared(proxy.port, valkey.port)) as place:
        fleet = Replicas(place, random.Random(1), broken(mutant))
        await fleet.start()
        with fleet.load.running():
            await fleet.load.more(ACKNOWLEDGED)
            await strike(fleet.load, postgres, proxy)
            await fleet.load.stop()
        await settled(place, fleet.doors[0], SETTLED_WITHIN_S)
        found = breaks(await read_books(place, fleet.doors[0], fleet.load.read_journal()))
    assert words in "\n".join(found), found
