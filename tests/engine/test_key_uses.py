"""When a key was last used: as good as a minute, over all processes, and at no request's expense."""

import asyncio

import pytest

from everpost.engine import keys
from everpost.engine.key_uses import NOTED_S
from everpost.engine.keys import CACHE_S, Keyring
from everpost.model.key import Scope
from everpost.store.memory import MemoryStore
from everpost.store.port import StoreUnavailable


class Clock:
    now = 1_700_000_000.0

    def __call__(self):
        return self.now


class Counting(MemoryStore):
    """Counts what is written; refuses it while it is `away`; and holds it up until it is `released`."""

    def __init__(self):
        super().__init__()
        self.written = []
        self.away = False
        self.released = asyncio.Event()
        self.released.set()

    async def write_config(self, name, value, was, events=()):
        await self.released.wait()
        if self.away:
            raise StoreUnavailable("gone")
        done = await super().write_config(name, value, was, events)
        self.written.append((name, done is not None))
        return done


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    return Counting()


@pytest.fixture
def keyring(store, clock):
    return Keyring(store, clock)


async def used_at(keyring, project="shop"):
    await keyring.settled()
    [(_, at)] = await keyring.list_uses(project)
    return at


async def test_a_key_that_nobody_has_used_says_so(keyring):
    await keyring.create("shop", Scope.READ, "")
    assert await used_at(keyring) is None


async def test_the_use_of_a_key_is_told_to_a_minute(keyring, clock, store):
    _, token = await keyring.create("shop", Scope.READ, "")
    first = clock.now
    await keyring.find(token)
    assert await used_at(keyring) == first
    clock.now = first + NOTED_S - 1
    await keyring.find(token)
    assert await used_at(keyring) == first
    clock.now = first + NOTED_S
    await keyring.find(token)
    assert await used_at(keyring) == first + NOTED_S


async def test_it_is_written_once_a_minute_however_many_processes_see_it(keyring, clock, store):
    key, token = await keyring.create("shop", Scope.READ, "")
    rings = [keyring, Keyring(store, clock), Keyring(store, clock)]
    store.written.clear()
    for _ in range(int(NOTED_S)):
        for each in rings:
            await each.find(token)
            await each.settled()
        clock.now += CACHE_S
    assert store.written == [(f"key/{key.id}/used", True)]


async def test_of_two_at_the_same_moment_one_writes(keyring, clock, store):
    _, token = await keyring.create("shop", Scope.READ, "")
    store.written.clear()
    other = Keyring(store, clock)
    store.released.clear()
    assert await keyring.find(token)
    assert await other.find(token)
    store.released.set()
    await keyring.settled()
    await other.settled()
    assert sorted(done for _, done in store.written) == [False, True]


async def test_no_request_waits_for_it_nor_fails_with_it(keyring, clock, store):
    _, token = await keyring.create("shop", Scope.READ, "")
    store.released.clear()
    assert await keyring.find(token)
    store.away = True
    store.released.set()
    assert await used_at(keyring) is None
    store.away = False
    clock.now += CACHE_S
    assert await keyring.find(token)
    assert await used_at(keyring) == clock.now


async def test_a_wrong_secret_and_a_revoked_key_are_no_use(keyring, clock, store):
    key, _ = await keyring.create("shop", Scope.READ, "")
    other_key, other = await keyring.create("shop", Scope.READ, "")
    await keyring.revoke(other_key.id)
    assert await keyring.find(other) is None
    assert await keyring.find(keys.render(key.id, "a" * 32)) is None
    await keyring.settled()
    assert [at for _, at in await keyring.list_uses("shop")] == [None, None]


async def test_a_key_that_is_in_use_can_be_revoked(keyring):
    key, token = await keyring.create("shop", Scope.READ, "")
    await keyring.find(token)
    await keyring.settled()
    assert (await keyring.revoke(key.id)).revoked_at is not None
    assert await keyring.find(token) is None
    assert [one.id for one in await keyring.list_keys(None)] == [key.id]


async def test_who_may_read_alone_notes_nothing(keyring, store):
    _, token = await keyring.create("shop", Scope.SEND, "a")
    store.written.clear()
    keyring.notes_uses = False
    assert await keyring.find(token)
    await keyring.settled()
    assert store.written == []


async def test_a_use_is_written_when_it_is_settled_and_not_before(keyring, store):
    _, token = await keyring.create("shop", Scope.SEND, "a")
    store.written.clear()
    store.released.clear()
    await keyring.find(token)
    waiting = asyncio.create_task(keyring.settled())
    await asyncio.sleep(0)
    assert (waiting.done(), store.written) == (False, [])
    store.released.set()
    await waiting
    assert len(store.written) == 1
