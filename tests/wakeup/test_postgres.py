"""Wake-ups over a real PostgreSQL: heard at once, found anew after any trouble, and never a trouble of the caller's."""

import logging

import postgres_kit
from everpost.postgres import Server, Tls
from everpost.wakeup import postgres
from everpost.wakeup.port import Topic
from everpost.wakeup.postgres import PostgresPeers
from postgres_proxy import proxy_to
from server_kit import HOST, free_ports
from wakeup_ear import ALL, hearing

OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def test_who_was_cut_off_hears_of_everything_and_goes_on(databases):
    async with databases.one() as server:
        teller = PostgresPeers(server)
        async with hearing(PostgresPeers(server)) as ear:
            await postgres_kit.judged(server, OTHERS)
            await ear.until(len(ALL))
            assert ear.topics[: len(ALL)] == ALL
            ear.topics.clear()
            await teller.tell(Topic.DUE)
            await ear.until(1)
        await teller.close()


async def test_a_connection_that_is_dead_and_does_not_say_so_is_found_out(databases, monkeypatch):
    monkeypatch.setattr(postgres, "ANSWER_S", 0.2)
    async with databases.one() as server, proxy_to(server.port) as proxy:
        behind = Server(host=HOST, port=proxy.port, user=server.user, database=server.database, tls=Tls.DISABLE)
        async with hearing(PostgresPeers(behind, beat_s=0.05)) as ear:
            proxy.mute()
            await ear.until(len(ALL))
            assert ear.topics[: len(ALL)] == ALL


async def test_telling_never_fails_and_is_told_of_once(caplog):
    nobody = Server(host=HOST, port=free_ports(1)[0], user="u", database="d", tls=Tls.DISABLE)
    peers = PostgresPeers(nobody)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await peers.tell(Topic.DUE)
    assert [record.message for record in caplog.records] == [
        "other processes can't be reached; they look by themselves"
    ]
    await peers.close()
