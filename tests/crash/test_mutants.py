"""A crash test that can't fail proves nothing: the same kill of a server that is broken on purpose."""

import random
import sys

import pytest

from crash import mutants
from crash.books import breaks, read_books, settled
from crash.load import Load
from crash.processes import PROVIDERS, installation

ROUNDS = 2
ACKNOWLEDGED = 60  # in each round, before the server is killed


async def broken_after_kills(folder, mutant):
    """What the books tell after two kills; providers take mail and say nothing of it for some of the time."""
    program = (sys.executable, mutants.__file__, f"hurry,{mutant}" if mutant else "hurry")
    async with installation(folder) as place:
        server = place.add_server(program)
        load = Load([server.url], place.token, folder / "journal.jsonl", random.Random(1))
        with load.running():
            for _ in range(ROUNDS):
                await server.start()
                for provider in PROVIDERS:
                    await place.put_faults(provider, {"kind": "accept_hang", "share": 0.5})
                await load.more(ACKNOWLEDGED)
                await server.kill()
                await place.heal()
            await server.start()
            await load.stop()
        await settled(place, server, within_s=60.0)
        return breaks(await read_books(place, server, load.read_journal()))


@pytest.mark.slow
async def test_the_short_leases_of_the_mutants_break_nothing_by_themselves(tmp_path):
    assert await broken_after_kills(tmp_path, None) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mutant", "words"),
    [
        ("ack_before_commit", "acknowledged, but the server knows nothing of it"),
        ("blind_resend", "handed over 2 times"),
        ("forget_keys", "caught 2 times"),
    ],
)
async def test_a_broken_server_is_caught_by_a_kill(tmp_path, mutant, words):
    assert words in "\n".join(await broken_after_kills(tmp_path, mutant))
