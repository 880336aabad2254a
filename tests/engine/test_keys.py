import base64

import pytest

from everpost.engine import keys
from everpost.engine.keys import CACHE_S, Keyring
from everpost.model.event import EventType
from everpost.model.key import Caller, Scope
from everpost.store.memory import MemoryStore
from everpost.store.port import StoreUnavailable


class Clock:
    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def keyring(store, clock):
    return Keyring(store, clock)


async def test_the_holder_of_a_new_token_is_who_the_key_says(keyring):
    key, token = await keyring.create("shop", Scope.SEND, "web server")
    assert await keyring.find(token) == Caller(project="shop", who=key.id, scope=Scope.SEND)


async def test_a_token_has_a_prefix_that_scanners_can_look_for_and_160_random_bits(keyring):
    key, token = await keyring.create("shop", Scope.SEND, "web")
    other_key, other = await keyring.create("shop", Scope.SEND, "web")
    assert token.startswith(f"evp_{key.id}_")
    assert len(keys.parse(token)[1]) * 5 == 160
    assert key.id != other_key.id
    assert keys.parse(token)[1] != keys.parse(other)[1]


async def test_what_the_store_holds_can_not_be_used_as_a_key(keyring, store):
    key, token = await keyring.create("shop", Scope.ADMIN, "root")
    _, secret = keys.parse(token)
    dump = b"".join(document.value for document in (await store.read_config("")).values())
    trail = repr(await store.read_events(0, 100))
    assert key.id.encode() in dump
    for piece in (token, secret, secret[:8], secret[-8:]):
        for words in (
            piece,
            base64.b64encode(piece.encode()).decode().rstrip("=")[:-1],
        ):  # bytes in JSON look like that
            assert words.encode() not in dump
            assert words not in trail


@pytest.mark.parametrize("position", [4, 11, 13, 20, 44, 45, 51])
async def test_a_typo_is_turned_away_without_the_store(keyring, store, position):
    _, token = await keyring.create("shop", Scope.SEND, "web")
    wrong = token[:position] + ("b" if token[position] == "a" else "a") + token[position + 1 :]
    assert keys.parse(wrong) is None
    assert await Keyring(DeadStore(), Clock()).find(wrong) is None
    assert await keyring.find(wrong) is None


@pytest.mark.parametrize("token", ["", "evp_", "Bearer evp_x", "evp_é_é", "evp_" + "a" * 10_000])
async def test_what_does_not_look_like_a_token_is_nobodys(token):
    assert await Keyring(DeadStore(), Clock()).find(token) is None


async def test_a_key_that_another_process_has_revoked_is_nobodys_once_that_is_known(keyring, store, clock):
    key, token = await keyring.create("shop", Scope.SEND, "web")
    assert await keyring.find(token)
    await Keyring(store, clock).revoke(key.id)
    clock.now += CACHE_S
    assert await keyring.find(token) is None
    assert await keyring.find(token) is None  # the key is in the cache, and revoked there


async def test_a_well_formed_token_with_another_secret_is_nobodys(keyring):
    key, token = await keyring.create("shop", Scope.SEND, "web")
    forged = keys.render(key.id, "a" * 32)
    assert keys.parse(forged) is not None
    assert await keyring.find(forged) is None
    assert await keyring.find(keys.render("aaaaaaaa", keys.parse(token)[1])) is None


async def test_a_revoked_key_is_nobodys_at_once_here_and_soon_elsewhere(keyring, store, clock):
    key, token = await keyring.create("shop", Scope.SEND, "web")
    elsewhere = Keyring(store, clock)
    assert await elsewhere.find(token) is not None
    revoked = await keyring.revoke(key.id)
    assert revoked.revoked_at == clock.now
    assert await keyring.find(token) is None
    clock.now += CACHE_S
    assert await elsewhere.find(token) is None


async def test_a_key_is_looked_up_once_within_the_life_of_the_cache(keyring, store, clock):
    _, token = await keyring.create("shop", Scope.SEND, "web")
    await keyring.find(token)
    keyring._store = DeadStore()
    assert await keyring.find(token) is not None
    clock.now += CACHE_S
    with pytest.raises(StoreUnavailable):
        await keyring.find(token)


async def test_a_clock_that_was_set_back_does_not_prolong_the_cache(keyring, clock):
    _, token = await keyring.create("shop", Scope.SEND, "web")
    await keyring.find(token)
    keyring._store = DeadStore()
    clock.now -= 3600
    with pytest.raises(StoreUnavailable):
        await keyring.find(token)


async def test_the_cache_is_bounded(keyring, monkeypatch):
    monkeypatch.setattr(keys, "CACHED_KEYS_MAX", 2)
    for _ in range(5):
        _, token = await keyring.create("shop", Scope.SEND, "web")
        assert await keyring.find(token) is not None
    assert len(keyring._cache) <= 2


async def test_making_and_revoking_a_key_are_in_the_audit_trail_once(keyring, store):
    key, _ = await keyring.create("shop", Scope.READ, "ann@example.com's laptop")
    await keyring.revoke(key.id)
    await keyring.revoke(key.id)
    events = [recorded.event for recorded in await store.read_events(0, 100)]
    assert [event.type for event in events] == [EventType.KEY_CREATED, EventType.KEY_REVOKED]
    assert events[0].data == {"key": key.id, "scope": "read"}
    assert events[0].project == "shop"


async def test_revoking_an_unknown_key_says_so(keyring):
    assert await keyring.revoke("aaaaaaaa") is None


async def test_keys_are_listed_by_project_oldest_first_revoked_ones_included(keyring, clock):
    first, _ = await keyring.create("shop", Scope.SEND, "first")
    clock.now += 1
    second, _ = await keyring.create("shop", Scope.READ, "second")
    clock.now += 1
    other, _ = await keyring.create("blog", Scope.READ, "other")
    await keyring.revoke(first.id)
    assert [key.id for key in await keyring.list_keys("shop")] == [first.id, second.id]
    assert [key.id for key in await keyring.list_keys(None)] == [first.id, second.id, other.id]


class DeadStore:
    """A store whose disk is gone."""

    async def read_config(self, prefix):
        raise StoreUnavailable("gone")
