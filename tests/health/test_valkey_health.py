"""Provider health that any number of workers keep in one Valkey."""

import asyncio
import time
from contextlib import AsyncExitStack

import msgspec
import pytest

from everpost.health.entry import FORGET_S
from everpost.health.own_view import OwnView
from everpost.health.port import BUCKET_S, WINDOW_S, HealthUnavailable, Report, Sign
from everpost.model.account import AccountHealth, Bucket
from everpost.valkey import Password, Patience
from scripted_server import ScriptedServer
from valkey_kit import PATIENT, health_of

T = 1_800_000_000.0
ALWAYS_IDLE = msgspec.structs.replace(PATIENT, idle_s=0.0)
HASTY = Patience(answer_s=0.2, connect_s=20.0, pause_s_min=3600.0, pause_s_max=3600.0)


def report(sign, at=0.0, account="one"):
    return Report(account=account, sign=sign, at=T + at, text="down")


@pytest.fixture
async def workers(valkey, key):
    """Twelve of them."""
    async with AsyncExitStack() as stack:
        opened = [health_of(valkey, key=key) for _ in range(12)]
        for one in opened:
            stack.push_async_callback(one.close)
        yield opened


async def test_what_nobody_reports_on_any_more_goes_after_a_week(workers, valkey, key):
    await workers[0].record([report(Sign.OK)])
    assert 0 < valkey.judge.ttl(key) <= FORGET_S


async def test_all_is_under_one_key(workers, valkey, key):
    before = set(valkey.judge.keys())
    await workers[0].record([report(Sign.OK), report(Sign.FAILED, account="two")])
    assert set(valkey.judge.keys()) - before == {key.encode()}


async def test_a_state_of_another_version_is_unknown_and_replaced_by_the_next_report(workers, valkey, key):
    await workers[0].record([report(Sign.FAILED)])
    valkey.judge.hset(key, mapping={"state/one": "[]", "mark/one": "theirs", "new/one": "kept"})
    assert (await workers[1].board())["one"] == AccountHealth(buckets=(Bucket(T, 0, 1),))
    await workers[0].record([report(Sign.FAILED, 1)])
    assert (await workers[1].board())["one"].failures == 1
    assert valkey.judge.hget(key, "new/one") == b"kept"


async def test_old_counters_are_not_kept(workers, valkey, key):
    first, second, third, *_ = workers
    await first.record([report(Sign.OK), report(Sign.OK, BUCKET_S)])
    await second.record([report(Sign.OK, 3 * WINDOW_S)])  # and knows nothing of the first one's
    assert [bucket.start_at for bucket in (await third.board())["one"].buckets] == [T + 3 * WINDOW_S]
    await third.record([report(Sign.OK, 4 * WINDOW_S)])
    counters = [field for field in valkey.judge.hkeys(key) if field.startswith((b"ok/", b"failed/"))]
    assert counters == [b"ok/%d/one" % (T + 4 * WINDOW_S)]


@pytest.mark.parametrize("field", ["ok_at/one", "ok/x/one", "ok/1800000000/one"])
async def test_what_is_no_health_is_told_and_stops_nobody(workers, valkey, key, field):
    await workers[0].record([report(Sign.FAILED)])
    valkey.judge.hset(key, field, "nonsense")
    for use in (workers[1].board(), workers[1].record([report(Sign.FAILED)])):
        with pytest.raises(HealthUnavailable, match="holds something else than health: delete it"):
            await use
    view = OwnView(workers[0])
    await view.record([report(Sign.FAILED)])
    assert (await view.board())["one"].failures == 1


# --- trouble ----------------------------------------------------------------------------------------------------------


async def test_after_a_flush_nothing_is_known_and_reports_count_from_the_beginning(workers, valkey, key):
    for _ in range(3):
        await workers[0].record([report(Sign.FAILED)])
    valkey.judge.delete(key)
    assert await workers[1].board() == {}
    await workers[0].record([report(Sign.FAILED, 1)])
    assert (await workers[1].board())["one"].failures == 1


async def test_a_server_that_has_gone_is_told_at_once_and_used_again_when_it_is_back(own_valkey, key):
    health = health_of(own_valkey, key=key)
    await health.record([report(Sign.FAILED)])
    own_valkey.kill()
    for _ in range(2):
        with pytest.raises(HealthUnavailable, match=str(own_valkey.port)):
            await health.board()
    own_valkey.start()
    await health.record([report(Sign.OK)])
    assert (await health.board())["one"].ok_at == T
    await health.close()


async def test_a_frozen_server_is_waited_for_once_and_then_left_alone(own_valkey, key):
    health = health_of(own_valkey, key=key, patience=HASTY)
    await health.record([report(Sign.FAILED)])
    own_valkey.freeze()
    with pytest.raises(HealthUnavailable, match="no answer in time"):
        await health.board()
    own_valkey.thaw()
    with pytest.raises(HealthUnavailable, match="no answer in time"):
        await health.board()  # nobody has asked: it would have answered
    await health.close()


async def test_a_clock_that_was_set_back_makes_no_pause_longer(own_valkey, key, monkeypatch):
    health = health_of(own_valkey, key=key, patience=HASTY)
    own_valkey.kill()
    with pytest.raises(HealthUnavailable):
        await health.board()
    own_valkey.start()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86_400.0)
    assert await health.board() == {}
    await health.close()


async def test_many_callers_of_a_frozen_server_are_one_failure(own_valkey, key):
    health = health_of(own_valkey, key=key, patience=msgspec.structs.replace(HASTY, pause_s_min=1000.0))
    await health.board()
    own_valkey.freeze()
    told = await asyncio.gather(*(health.board() for _ in range(20)), return_exceptions=True)
    assert {type(one) for one in told} == {HealthUnavailable}
    assert health._server._pause_s == 2000.0
    await health.close()


async def test_an_answer_that_comes_too_late_is_nobody_elses(own_valkey, key):
    health = health_of(own_valkey, key=key, patience=msgspec.structs.replace(PATIENT, answer_s=0.2))
    await health.record([report(Sign.FAILED)])
    own_valkey.freeze()
    with pytest.raises(HealthUnavailable):
        await health.lease("one", T, T + 30)
    own_valkey.thaw()
    async with asyncio.timeout(20):
        while True:
            try:
                board = await health.board()
                break
            except HealthUnavailable:  # a busy machine
                continue
    assert board["one"].failures == 1
    await health.close()


async def test_what_is_no_valkey_is_told(key):
    async def greet(peer):
        await peer.read_some()
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with ScriptedServer(greet) as server:
        health = health_of(server, key=key)
        with pytest.raises(HealthUnavailable, match="a reply begins with"):
            await health.board()
        await health.close()


async def test_of_many_callers_one_tries_to_get_in(key):
    async def refuse(peer):
        await peer.read_some()
        peer.send(b"-WRONGPASS no\r\n")
        await peer.until_left()

    async with ScriptedServer(refuse) as server:
        health = health_of(server, key=key, login=Password("wrong"), patience=HASTY)
        told = await asyncio.gather(*(health.board() for _ in range(20)), return_exceptions=True)
        assert {type(one) for one in told} == {HealthUnavailable}
        assert server.connections == 1
        await health.close()


async def test_a_node_that_has_gone_is_looked_for_at_the_address_that_was_configured(key):
    answers = [b"-MOVED 1 127.0.0.1:%d\r\n", b"*0\r\n"]

    async def point(peer):
        await peer.read_some()
        peer.send(answers.pop(0).replace(b"%d", b"%d" % gone.port))
        await peer.until_left()

    async def end(peer):
        await peer.read_some()

    async with ScriptedServer(end) as gone, ScriptedServer(point) as server:
        health = health_of(server, key=key)
        with pytest.raises(HealthUnavailable, match=f"{gone.port}: closed by the server"):
            await health.board()
        assert await health.board() == {}
        await health.close()


SENSELESS = ("-MOVED 1 nowhere", "-MOVED", "-ASK 1 :99999999", "-MOVED 1 :99999", "-MOVED 1 a b:1", ":1", "$1\r\nx")


@pytest.mark.parametrize("answer", SENSELESS)
async def test_an_answer_that_makes_no_sense_is_told(key, answer):
    async def say(peer):
        await peer.read_some()
        peer.send(answer.encode() + b"\r\n")
        await peer.until_left()

    async with ScriptedServer(say) as server:
        health = health_of(server, key=key)
        with pytest.raises(HealthUnavailable):
            await health.board()
        await health.close()


async def test_a_connection_that_was_idle_is_made_anew(valkey, key):
    health = health_of(valkey, key=key, patience=ALWAYS_IDLE)
    await health.board()
    before = valkey.judge.info("stats")["total_connections_received"]
    await health.board()
    assert valkey.judge.info("stats")["total_connections_received"] == before + 1
    await health.close()


@pytest.mark.parametrize("user", ["", "worker"])
async def test_a_wrong_password_is_told_without_saying_it(valkey, key, user):
    valkey.judge.acl_setuser("worker", enabled=True, passwords=["+right"], keys=["*"], commands=["+@all"])
    health = health_of(valkey, key=key, login=Password("s3cr3t-canary", user))
    with pytest.raises(HealthUnavailable, match="the login was refused") as caught:
        await health.board()
    assert "s3cr3t-canary" not in f"{caught.value!r} {caught.value} {health._server._login!r}"
    await health.close()


async def test_a_user_with_a_password_is_let_in(valkey, key):
    valkey.judge.acl_setuser("worker", enabled=True, passwords=["+right"], keys=["*"], commands=["+@all"])
    health = health_of(valkey, key=key, login=Password("right", "worker"))
    await health.record([report(Sign.OK)])
    assert "worker" in {client["user"] for client in valkey.judge.client_list()}
    await health.close()


async def test_a_user_who_may_not_is_told_so(valkey, key):
    valkey.judge.acl_setuser("reader", enabled=True, passwords=["+right"], keys=["*"], commands=["+hgetall"])
    health = health_of(valkey, key=key, login=Password("right", "reader"))
    assert await health.board() == {}
    with pytest.raises(HealthUnavailable, match="NOPERM"):
        await health.record([report(Sign.OK)])
    await health.close()
