"""What is told of a write whose connection was lost in its middle is true."""

import asyncio
import signal

import pytest

import postgres_kit
from everpost.model.delivery import DeliveryState
from everpost.postgres import Server
from everpost.store.port import Filter, New, StoreUnavailable, Written
from everpost.store.postgres import carrying
from postgres_proxy import AFTER, BEFORE, PASS, proxy_to
from store_values import LATE, accept, begun, change, charge, delivery, event, key, message


async def known(server):
    """Ids of all messages, as somebody sees them who comes afresh."""
    return [row["id"] for row in await postgres_kit.judged(server, "SELECT id FROM message ORDER BY id")]


def behind(server: Server, proxy) -> Server:
    return Server(host=server.host, port=proxy.port, user=server.user, database=server.database, tls=server.tls)


@pytest.fixture
async def proxy(server):
    async with proxy_to(server.port) as between:
        yield between


@pytest.fixture
async def far(server, proxy, clock):
    """A store behind the proxy, whose connection has prepared what it needs: the next message is a write."""
    async with postgres_kit.opened(behind(server, proxy), clock=clock) as opened:
        (one,) = await accept(opened, message(1))
        assert await opened.advance([change(one)]) == [Written.DONE]
        yield opened


@pytest.mark.parametrize("cut", [BEFORE, AFTER])
async def test_a_mail_whose_commit_nobody_heard_of_is_stored_once_and_acknowledged(server, proxy, far, cut):
    proxy.cuts = [cut]
    await accept(far, message(2))
    assert await known(server) == [message(1).id, message(2).id]
    assert len(await far.read_events(0, 10)) == 3


async def test_a_key_whose_commit_nobody_heard_of_is_not_taken_for_somebody_elses(server, proxy, far):
    await accept(far, message(2), key("warm"))
    proxy.cuts = [PASS, AFTER]  # the look, and the write
    assert await accept(far, message(3), key())
    assert await known(server) == [message(n).id for n in (1, 2, 3)]


async def test_a_mail_of_which_nobody_can_tell_is_not_acknowledged(server, proxy, far, monkeypatch):
    monkeypatch.setattr(carrying, "RETURN_S", 0.0)
    proxy.cuts, proxy.shuts_after_cut = [AFTER], True
    with pytest.raises(StoreUnavailable, match="nobody knows what was done"):
        await accept(far, message(2))
    await proxy.done.wait()
    assert message(2).id in await known(server)  # as may be: that is why nothing was promised


@pytest.mark.parametrize("cut", [BEFORE, AFTER])
async def test_a_change_whose_commit_nobody_heard_of_is_done_once(proxy, far, cut):
    (one,) = await accept(far, message(2))
    begun_ = change(one, charges=[charge(3)])
    await far.begin([change((await accept(far, message(3)))[0], charges=[charge(1)])])  # prepares it with charges
    proxy.cuts = [PASS, PASS, cut]  # the looks at deliveries and quotas, and the write
    assert await far.begin([begun_]) == [Written.DONE]
    assert (await far.find_delivery(one.id)) == begun_.delivery
    assert (await far.usage())["one", "day"].used == 4
    events = await far.read_events(0, 20, message_id=one.message_id)
    assert [recorded.event.id for recorded in events] == [event(one).id, *(each.id for each in begun_.events)]


async def test_a_change_that_somebody_else_made_meanwhile_is_not_taken_for_ours(server, proxy, far, clock):
    (one,) = await accept(far, message(2))
    proxy.cuts = [PASS, BEFORE]
    async with postgres_kit.opened(server, clock=clock) as other:
        assert await other.advance([change(one, DeliveryState.FAILED)]) == [Written.DONE]
    assert await far.advance([change(one, DeliveryState.SENT)]) == [Written.FENCED]


async def test_a_write_whose_backend_is_killed_in_its_middle_is_done_once(server, store, journal):
    waiting = [asyncio.ensure_future(accept(store, message(number))) for number in range(1, 4)]
    (pid,) = await journal.waited_for()
    await postgres_kit.judged(server, "SELECT pg_terminate_backend($1)", pid)
    await journal.release()
    await asyncio.gather(*waiting)
    assert await known(server) == [message(number).id for number in range(1, 4)]
    assert len(await store.read_events(0, 10)) == 3


async def test_reads_go_on_by_another_connection(server, store):
    await accept(store)
    for _ in range(2):
        await postgres_kit.judged(
            server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        assert await store.get_message("shop", message().id) is not None


# --- the whole server ------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path):
    with postgres_kit.cluster(tmp_path, postgres_kit.DURABLE) as own:
        yield own


@pytest.mark.slow
async def test_what_was_acknowledged_survives_an_immediate_stop_under_load(cluster):
    acknowledged, refused, stop = set(), set(), asyncio.Event()
    server = cluster.server()

    async def send(store, first):
        number = first
        while not stop.is_set():
            number += 1
            of = message(number)
            try:
                result = (
                    await begun(store, of, claim=key(of.id))
                    if number % 2
                    else await store.accept(of, (delivery(of),), (event(delivery(of)),), None, LATE)
                )
            except StoreUnavailable:
                refused.add(of.id)
            else:
                assert result == New()
                acknowledged.add(of.id)

    async def enough(count):
        while len(acknowledged) < count:  # noqa: ASYNC110  they are counted anyway
            await asyncio.sleep(0)

    async with postgres_kit.opened(server) as store:
        senders = [asyncio.create_task(send(store, 10_000 * n)) for n in range(1, 9)]
        for stops in range(1, 3):
            await enough(40 * stops)
            await asyncio.to_thread(cluster.stop, signal.SIGQUIT)
            await asyncio.to_thread(cluster.start)
            count = len(acknowledged)
            await enough(count + 20)
        stop.set()
        await asyncio.gather(*senders)
        stored = set(await known(server))
        assert acknowledged <= stored
        assert stored <= acknowledged | refused
        counts = await store.counts()
        assert counts.accepted == sum(counts.by_state.values()) == len(stored)
        events = await store.read_events(0, 100_000)
        assert [recorded.seq for recorded in events] == list(range(1, len(events) + 1))
        page = await store.list_messages(Filter(project="shop"), None, 5)
        assert [stored_.message.id for stored_ in page] == sorted(stored, reverse=True)[:5]
