"""Servers as they stand in production: with TLS and a password, and in clusters whose keys move."""

import asyncio
import zlib
from contextlib import ExitStack

import pytest
import trustme

from everpost.health.port import HealthUnavailable, Report, Sign
from everpost.valkey import Password
from server_kit import HOST
from valkey_fixtures import PASSWORD
from valkey_kit import CLUSTERED, cluster, health_of, tls_server, trusting, valkey_server

T = 1_800_000_000.0
OK = Report(account="one", sign=Sign.OK, at=T)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Three of a cluster."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("cluster")
        servers = [stack.enter_context(valkey_server(folder, *CLUSTERED)) for _ in range(3)]
        yield stack.enter_context(cluster(servers))


@pytest.fixture(scope="module")
def secured(tmp_path_factory, authority):
    with tls_server(tmp_path_factory.mktemp("tls"), authority, PASSWORD) as server:
        yield server


def keys_on_all(count=12):
    return [f"everpost:{{{zlib.crc32(b'%d' % number)}}}" for number in range(count)]


async def counted(server, key, **options):
    """What a worker who asks this server finds, after a report."""
    health = health_of(server, key=key, **options)
    await health.record([OK])
    known = (await health.board())["one"]
    await health.close()
    return sum(bucket.ok for bucket in known.buckets)


async def test_whichever_node_is_asked_all_workers_share_one_board(nodes):
    for key in keys_on_all():
        assert [await counted(node, key) for node in nodes] == [1, 2, 3]
    assert all(node.judge.dbsize() for node in nodes)  # the keys lay on all of them


async def test_many_callers_who_are_sent_to_another_node_at_once_all_get_there(nodes):
    for key in keys_on_all():
        for node in nodes:
            health = health_of(node, key=key)
            await asyncio.gather(*(health.board() for _ in range(20)))
            await health.close()
    assert all(node.judge.dbsize() for node in nodes)


async def test_a_key_that_moves_to_another_node_is_followed(nodes):
    key = "everpost:{that moves}"
    one, other = slot_moves(nodes, key)
    health = health_of(one, key=key)
    await health.record([OK])
    slot = one.judge.execute_command("CLUSTER KEYSLOT", key)
    ids = [node.judge.execute_command("CLUSTER MYID").decode() for node in (one, other)]
    other.judge.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", ids[0])
    one.judge.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ids[1])
    await health.record([OK])
    one.judge.execute_command("MIGRATE", HOST, other.port, key, 0, 5000)
    await asyncio.gather(*(health.board() for _ in range(20)))  # the one says ASK to all of them …
    await health.record([OK])  # … and the other wants to be asked on purpose
    for node in (other, one):
        node.judge.execute_command("CLUSTER SETSLOT", slot, "NODE", ids[1])
    await health.record([OK])
    known = (await health.board())["one"]
    await health.close()
    assert sum(bucket.ok for bucket in known.buckets) == 4
    assert other.judge.exists(key)


def slot_moves(nodes, key):
    """The node that holds the key's slot, and another one."""
    slot = nodes[0].judge.execute_command("CLUSTER KEYSLOT", key)
    share = 16_384 // len(nodes) + 1
    return nodes[slot // share], nodes[(slot // share + 1) % len(nodes)]


async def test_tls_and_a_password_are_enough(secured, authority, key):
    assert await counted(secured, key, tls=trusting(authority), login=Password(PASSWORD)) == 1


async def test_a_cluster_by_tls_is_followed_by_the_names_of_its_nodes(secured_nodes, authority):
    for key in keys_on_all():
        counts = [await counted(node, key, tls=trusting(authority), login=Password(PASSWORD)) for node in secured_nodes]
        assert counts == [1, 2, 3]


async def test_a_server_that_cannot_prove_its_name_is_told_nothing(secured, key):
    before = secured.judge.info("commandstats").get("cmdstat_auth", {}).get("calls", 0)
    health = health_of(secured, key=key, tls=trusting(trustme.CA()), login=Password(PASSWORD))
    with pytest.raises(HealthUnavailable, match="certificate verify failed"):
        await health.board()
    await health.close()
    assert secured.judge.info("commandstats").get("cmdstat_auth", {}).get("calls", 0) == before


async def test_a_server_that_wants_a_password_says_so(secured, authority, key):
    health = health_of(secured, key=key, tls=trusting(authority))
    with pytest.raises(HealthUnavailable, match="NOAUTH"):
        await health.board()
    await health.close()
