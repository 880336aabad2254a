"""Wake-ups over a real server: heard at once, found anew after any trouble, and never a trouble of the caller's."""

import asyncio
import logging

import msgspec
import pytest

from everpost.valkey import Password, Server
from everpost.wakeup.port import Topic
from everpost.wakeup.valkey import CHANNEL, ValkeyPeers
from scripted_server import ScriptedServer
from server_kit import HOST
from valkey_fixtures import PASSWORD
from valkey_kit import PATIENT, trusting
from wakeup_ear import ALL, WITHIN_S, Ear, hearing

PATIENCE = msgspec.structs.replace(PATIENT, pause_s_min=0.05, pause_s_max=0.05, beat_s=0.5)


async def until(holds):
    async with asyncio.timeout(WITHIN_S):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


def pings(server):
    return server.judge.info("commandstats").get("cmdstat_ping", {"calls": 0})["calls"]


def peers_of(server, host=HOST, **options):
    return ValkeyPeers(Server(host, server.port, **({"patience": PATIENCE} | options)))


@pytest.mark.parametrize("said", [b"", b"due", b"nonsense x", b"\xff\xfe", b"due x y z" * 1000])
async def test_what_makes_no_sense_wakes_at_most(valkey, said):
    teller = peers_of(valkey)
    async with hearing(peers_of(valkey)) as ear:
        valkey.judge.publish(CHANNEL, said)
        await teller.tell(Topic.NEWS)
        await ear.until(1)
        while ear.topics[-1] is not Topic.NEWS:
            await ear.until(len(ear.topics) + 1)
        assert len(ear.topics) <= 2
    await teller.close()


async def test_after_a_restart_of_the_server_everything_is_looked_at_and_heard_again(own_valkey, caplog):
    caplog.set_level(logging.INFO, "everpost.wakeup.valkey")
    teller = peers_of(own_valkey)
    async with hearing(peers_of(own_valkey)) as ear:
        own_valkey.kill()
        await teller.tell(Topic.DUE)  # in vain, and no failure
        own_valkey.start()
        await ear.until(len(ALL))
        heard = len(ear.topics)
        await teller.tell(Topic.NEWS)
        await ear.until(heard + 1)
        assert ear.topics[-1] is Topic.NEWS
    told = {record.getMessage() for record in caplog.records}
    assert told >= {"other processes can't be heard; they look by themselves", "other processes are heard again"}
    await teller.close()


async def test_a_server_that_hangs_is_given_up_and_everything_is_looked_at(own_valkey, caplog):
    hasty = msgspec.structs.replace(PATIENCE, connect_s=0.5, beat_s=0.1)
    async with hearing(peers_of(own_valkey, patience=hasty)) as ear:
        own_valkey.freeze()
        await until(lambda: caplog.records)
        own_valkey.thaw()
        await ear.until(len(ALL))
        assert sorted(ear.topics) == sorted(ALL)


async def test_a_flush_takes_nothing_away(own_valkey):
    teller = peers_of(own_valkey)
    async with hearing(peers_of(own_valkey)) as ear:
        own_valkey.judge.flushall()
        await teller.tell(Topic.DUE)
        await ear.until(1)
        assert ear.topics == [Topic.DUE]
    await teller.close()


async def test_a_silent_connection_is_kept_as_long_as_the_server_answers(valkey):
    hasty = msgspec.structs.replace(PATIENCE, beat_s=0.01)
    async with hearing(peers_of(valkey, patience=hasty)) as ear:
        before = pings(valkey)
        await until(lambda: pings(valkey) >= before + 3)
        assert ear.topics == []  # it has not subscribed anew


async def test_a_connection_subscribes_anew_when_its_login_ends(valkey):
    valkey.judge.acl_setuser(
        "teller", enabled=True, passwords=["+right"], commands=["+subscribe", "+ping"], channels=["everpost:*"]
    )
    async with hearing(peers_of(valkey, login=Password("right", "teller", lasts_s=0.2))) as ear:
        await ear.until(2 * len(ALL))
        assert ear.topics == 2 * ALL


async def test_who_may_not_publish_is_told_so_once_and_does_not_fail(valkey, caplog):
    valkey.judge.acl_setuser("mute", enabled=True, passwords=["+right"], commands=["+@all"], channels=["other:*"])
    peers = peers_of(valkey, login=Password("right", "mute"))
    for _ in range(3):
        await peers.tell(Topic.DUE)
    await peers.close()
    assert [record.getMessage() for record in caplog.records] == [
        "other processes can't be told; they look by themselves"
    ]
    assert "NOPERM" in caplog.records[0].error


async def test_who_may_not_listen_is_told_so_and_tries_again(valkey, caplog):
    valkey.judge.acl_setuser("deaf", enabled=True, passwords=["+right"], commands=["+@all"], channels=["other:*"])
    peers, ear = peers_of(valkey, login=Password("right", "deaf")), Ear()
    task = asyncio.create_task(peers.hear(ear))
    await until(lambda: any("NOPERM" in record.error for record in caplog.records))
    valkey.judge.acl_setuser("deaf", enabled=True, channels=["everpost:*"])
    await ear.until(len(ALL))
    assert ear.topics == ALL
    task.cancel()
    await peers.close()


async def test_what_is_no_valkey_is_left_alone_and_tried_again():
    async def greet(peer):
        await peer.read_some()
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with ScriptedServer(greet) as server:
        peers, ear = peers_of(server), Ear()
        task = asyncio.create_task(peers.hear(ear))
        await until(lambda: server.connections >= 3)
        task.cancel()
        await peers.close()
    assert ear.topics == []


async def test_a_server_that_says_more_than_it_may_is_left():
    async def babble(peer):
        await peer.read_some()
        peer.send(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n+OK\r\n")
        await peer.until_left()

    async with ScriptedServer(babble) as server:
        peers, ear = peers_of(server), Ear()
        task = asyncio.create_task(peers.hear(ear))
        await until(lambda: server.connections >= 2)
        task.cancel()
        await peers.close()
    assert set(ear.topics) == set(ALL)  # since it had subscribed


async def test_through_whichever_node_of_a_cluster_by_tls_all_hear_it(secured_nodes, authority):
    options = {"host": "localhost", "tls": trusting(authority), "login": Password(PASSWORD)}
    one, other, third = (peers_of(node, **options) for node in secured_nodes)
    async with hearing(one) as first, hearing(other) as second:
        await third.tell(Topic.NEWS)
        for ear in (first, second):
            await ear.until(1)
            assert ear.topics == [Topic.NEWS]
    await third.close()
