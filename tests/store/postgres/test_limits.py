"""Nobody waits for ever: for a connection, for a lock, for a server that is not there."""

import asyncio

import pytest

import postgres_kit
from everpost.postgres import Server, Tls, server
from everpost.store.port import StoreUnavailable
from everpost.store.postgres import PostgresStore
from server_kit import HOST, free_ports
from store_values import accept, message


async def test_who_finds_no_connection_free_is_told(server, clock, journal):
    async with postgres_kit.opened(server, clock=clock, connections=1) as store:
        store._pool._wait_s = 0.05
        waiting = asyncio.ensure_future(accept(store, message(1)))
        await journal.waited_for()
        with pytest.raises(StoreUnavailable, match="all 1 connections to PostgreSQL are busy"):
            await store.get_message("shop", message(1).id)
        await journal.release()
        await waiting
        assert await store.get_message("shop", message(1).id) is not None


async def test_a_lock_that_somebody_keeps_is_not_waited_for(databases, clock, monkeypatch):
    monkeypatch.setitem(server.SESSION, "lock_timeout", "50ms")
    async with databases.one() as at, postgres_kit.opened(at, clock=clock) as store:
        async with postgres_kit.held(at, "SELECT seq FROM journal FOR UPDATE"):
            with pytest.raises(StoreUnavailable, match="somebody holds a lock for too long"):
                await accept(store, message(1))
        assert await accept(store, message(1))  # nothing of it was stored


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(databases, clock, monkeypatch):
    monkeypatch.setitem(server.SESSION, "statement_timeout", "800ms")
    async with databases.one() as at, postgres_kit.opened(at, clock=clock) as store:
        async with postgres_kit.held(at, "SELECT seq FROM journal FOR UPDATE"):
            with pytest.raises(StoreUnavailable, match="the server took too long"):
                await accept(store, message(1))
        assert await accept(store, message(1))


async def test_a_server_that_is_not_there_is_told_at_once():
    nobody = Server(host=HOST, port=free_ports(1)[0], user="u", database="d", tls=Tls.DISABLE)
    with pytest.raises(StoreUnavailable, match="no connection to PostgreSQL at"):
        await PostgresStore.open(nobody)


async def test_a_standby_is_not_taken_for_the_server(databases):
    async with databases.one() as at:
        await postgres_kit.judged(at, f"ALTER DATABASE {at.database} SET default_transaction_read_only = on")
        with pytest.raises(StoreUnavailable, match="no connection to PostgreSQL"):
            await PostgresStore.open(at)


async def test_what_the_database_says_of_durability_is_overruled(databases, clock):
    async with databases.one() as at:
        await postgres_kit.judged(at, f"ALTER DATABASE {at.database} SET synchronous_commit = off")
        async with postgres_kit.opened(at, clock=clock) as store:
            assert await store._pool.run(lambda link: link.fetchval("SHOW synchronous_commit")) == "on"


async def test_who_is_cancelled_leaves_no_statement_behind(server, store, journal):
    reading = asyncio.ensure_future(store.write_config("a", b"", None))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await journal.release()
    assert await accept(store, message(1))
