"""Whatever bytes come from the place where PostgreSQL should be: an error, and never a promise."""

import random

import pytest

import postgres_kit
from chaos import Harm, chaos_before
from everpost.postgres import Server, Tls, pool
from everpost.postgres import server as client
from everpost.store.port import StoreUnavailable
from scripted_server import ScriptedServer
from server_kit import HOST
from store_values import accept, message

TRUSTED = b"R\x00\x00\x00\x08\x00\x00\x00\x00"
READY = b"Z\x00\x00\x00\x05I"
LENGTHS = (0, 1, 4, 5, 64, 5_000)
NOISES = 30
MAILS = 40
PATIENCE_S = 0.5


def noises():
    """Pure chance, and messages of the protocol with the right head and chance within."""
    rng = random.Random(1)
    for _ in range(NOISES):
        within = rng.randbytes(rng.choice(LENGTHS))
        yield within
        yield bytes([rng.choice(b"RSKZTDCE1235tnNAGHWVI")]) + (4 + len(within)).to_bytes(4, "big") + within


async def opened(before, noise):
    """What comes of opening a store at a server that says so much that is true, and then noise."""

    async def script(peer):
        await peer.read_some()
        peer.send(before + noise)
        peer.close()

    async with ScriptedServer(script) as server:
        at = Server(host=HOST, port=server.port, user="postgres", database="postgres", tls=Tls.DISABLE)
        async with postgres_kit.opened(at):
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # asyncpg ends what it has not begun
@pytest.mark.parametrize("before", [b"", TRUSTED, TRUSTED + READY], ids=["silent", "trusted", "ready"])
async def test_a_server_that_talks_noise_can_not_be_opened(before):
    for noise in noises():
        with pytest.raises(StoreUnavailable):
            await opened(before, noise)


async def test_mail_is_acknowledged_or_refused_while_answers_are_noise(server, monkeypatch):
    monkeypatch.setattr(pool, "WORK_S", PATIENCE_S)  # with an answer that seems to be a very long one
    monkeypatch.setattr(client, "CONNECT_S", PATIENCE_S)
    acknowledged = set()
    async with chaos_before(server.port, 1, (Harm.NOISE,)) as chaos:
        behind = Server(host=HOST, port=chaos.port, user=server.user, database=server.database, tls=Tls.DISABLE)
        async with postgres_kit.opened(behind) as store:
            chaos.storm()
            for number in range(MAILS):
                try:
                    await accept(store, message(number))
                except StoreUnavailable:
                    continue
                acknowledged.add(message(number).id)
            chaos.calm()
    stored = [row["id"] for row in await postgres_kit.judged(server, "SELECT id FROM message")]
    assert chaos.struck[Harm.NOISE] > 0
    assert acknowledged
    assert acknowledged <= set(stored)
