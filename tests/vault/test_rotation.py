"""A secret changes while an engine runs: the next mails go with the new one, and no line shows the old or the new."""

import asyncio
import logging
import re

import pytest

from engine_kit import World, accepted, elapse
from everpost.engine.wire import NetworkWire
from everpost.entrypoints.emf import Facts, lines
from everpost.model.account import Account
from everpost.model.delivery import DeliveryState
from everpost.model.secret import Reference
from everpost.providers.sendgrid import adapter as sendgrid
from everpost.vault.keeper import AGAIN_S, FRESH_S, Keeper
from scripted_server import ScriptedServer
from store_values import NOW

OLD, NEW = "SG.old-s3cr3t-canary", "SG.new-s3cr3t-canary"
TAKEN = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m\r\nContent-Length: 0\r\n\r\n"
_KEY = re.compile(rb"(?i)authorization: bearer (\S+)")


class Door:
    """A provider that lets in who has its key, and repeats every other one."""

    def __init__(self):
        self.key = OLD
        self.let_in = []

    async def __call__(self, peer):
        while True:
            given = _KEY.search(await peer.request())[1].decode()
            if given == self.key:
                self.let_in.append(given)
                peer.send(TAKEN)
            else:
                body = b'{"errors":[{"message":"wrong key: %b"}]}' % given.encode()
                peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.fixture
def door():
    return Door()


@pytest.fixture
async def provider(door):
    async with ScriptedServer(door) as server:
        yield server


@pytest.fixture
def clock():
    """Of the keeper."""
    return [0.0]


@pytest.fixture
async def rotated(owner, vault, provider, door, clock):
    """A world whose one account's key is a parameter; and what changes it, at the provider as well."""
    name = owner.parameter(OLD)
    settings = {"api_key": Reference(f"ssm:{name}"), "base_url": provider.url}
    keeper = Keeper([Account(name="one", provider="sendgrid", settings=settings)], vault, lambda: clock[0])
    world = World(*await keeper.accounts(), provider=sendgrid.PROVIDER)
    world.wire = NetworkWire()
    engine = world.engine()
    engine.add_rotation(keeper)

    def rotate():
        owner.parameter(NEW, name)
        door.key = NEW

    async with world.running(engine):
        yield world, engine, rotate
    await world.wire.close()


async def renewed(engine):
    async with asyncio.timeout(30):
        while engine._fleet.member("one").account.settings["api_key"] != NEW:
            await elapse(0.01)


async def test_when_a_secret_has_become_old_mail_goes_with_the_new_one_and_none_is_refused(rotated, door, clock):
    world, engine, rotate = rotated
    await world.ended(await accepted(engine))
    rotate()
    clock[0] = FRESH_S
    await engine.rotation.step()
    await world.ended(await accepted(engine))
    assert door.let_in == [OLD, NEW]
    [status] = await engine.console.accounts()
    assert status.account.settings["api_key"] == NEW
    assert [outcome for _, outcome in await all_attempts(world)] == ["accepted", "accepted"]


async def test_an_account_that_is_refused_gets_the_new_secret_and_the_mail_goes_with_it(rotated, door, clock):
    world, engine, rotate = rotated
    rotate()
    clock[0] = AGAIN_S
    stored = await accepted(engine)
    await renewed(engine)
    world.clock.skew_s += 60.0  # the circuit lets a probe through
    assert (await world.ended(stored, 30.0)).state is DeliveryState.SENT
    assert door.let_in == [NEW]
    assert await world.attempts(stored) == [("one", "refused"), ("one", "accepted")]


async def test_neither_key_is_shown_anywhere(rotated, clock, caplog):
    caplog.set_level(logging.DEBUG, "everpost")
    world, engine, rotate = rotated
    await world.ended(await accepted(engine))
    rotate()
    clock[0] = AGAIN_S
    await accepted(engine)
    await renewed(engine)
    accounts = await engine.console.accounts()
    figures = lines(Facts(counts=await world.store.counts(), accounts=accounts), "deliver", NOW)
    events = await world.events()
    logged = [vars(record) for record in caplog.records]
    shown = f"{logged} {figures} {events} {accounts} {await world.health.board()} {vars(engine._fleet)}"
    assert "wrong key" in shown
    assert OLD not in shown
    assert NEW not in shown


async def all_attempts(world):
    return [(event.account, event.data["outcome"]) for event in await world.events() if "outcome" in event.data]
