"""The figures of a process, as a scraper reads them."""

import asyncio
import time
from itertools import pairwise

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from everpost.engine.wire import NetworkWire
from everpost.entrypoints.http.app import build_app
from everpost.entrypoints.metrics import Metrics, ServerMetrics
from everpost.entrypoints.metrics.lateness import TICK_S, watched_loop
from everpost.model.outcome import Kind
from everpost.store.sqlite import SqliteStore
from http_kit import NATIVE, Caller, ScriptedWire, running
from scripted_server import ScriptedServer
from sqlite_stores import gathering, opened
from store_values import accept, message
from wire_kit import OK, patient, post

BASE_UNITS = ("seconds", "bytes")
OTHER_UNITS = ("_ms", "_milliseconds", "_minutes", "_kb", "_percent")


@pytest.fixture
def metrics():
    return ServerMetrics("1.2.3")


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


@pytest.fixture
async def families():
    """As a strict parser reads them, after a mail that went by one account."""
    wire = ScriptedWire()
    wire.released.set()
    async with running(wire) as (services, _):
        call = Caller(build_app(services))
        await call("POST", "/v1/emails", NATIVE, {"prefer": "wait=5"})
        text = (await call("GET", "/metrics")).body.decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


async def test_what_is_scraped_is_what_the_instruments_say(families, metrics):
    made = {each.name: each for each in metrics.instruments}
    assert {name for name in families if not name.startswith("process_")} == made.keys()
    for name, each in made.items():
        assert (families[name].type, families[name].documentation) == (each.type, each.help)
        labels = {label for sample in families[name].samples for label in sample.labels} - {"le"}
        assert labels <= set(each.labels)


async def test_names_are_as_openmetrics_has_them(families):
    for name, family in families.items():
        assert name.startswith(("everpost_", "process_"))
        assert not name.endswith(("_total", "_count", "_sum", "_bucket", "_info", *OTHER_UNITS))
        if name.startswith("everpost_"):
            assert family.unit == next((unit for unit in BASE_UNITS if name.endswith(f"_{unit}")), "")


async def test_every_series_of_every_account_is_there_before_its_first_attempt(families):
    counts = {
        (sample.labels["account"], sample.labels["outcome"]): sample.value
        for sample in families["everpost_attempt_duration_seconds"].samples
        if sample.name.endswith("_count")
    }
    assert counts.keys() == {(account, kind.value) for account in ("first", "second") for kind in Kind}
    assert {about: count for about, count in counts.items() if count} == {("first", "accepted"): 1}


async def test_a_quota_is_shown_with_what_it_allows(families):
    shown = {sample.labels["account"]: sample.value for sample in families["everpost_account_quota_limit"].samples}
    assert shown == {"first": 100}
    assert [sample.value for sample in families["everpost_account_quota_left"].samples] == [99]


async def test_it_is_told_what_runs(families):
    [build] = families["everpost_build"].samples
    assert build.labels["version"] == "0.0.0"


def test_a_process_without_http_shows_no_figures_of_it():
    names = {each.name for each in Metrics("0").instruments}
    assert names < {each.name for each in ServerMetrics("0").instruments}
    assert not any("http" in name for name in names)


def test_the_bounds_of_every_histogram_grow(metrics):
    for each in metrics.instruments:
        assert all(low < high for low, high in pairwise(each.buckets))


async def test_every_operation_is_in_one_commit_that_is_counted(metrics, tmp_path):
    async with opened(str(tmp_path / "everpost.db"), commits=metrics.process) as store:
        async with gathering(store):
            mails = [asyncio.ensure_future(accept(store, message(number))) for number in range(20)]
            await asyncio.sleep(0)
        await asyncio.gather(*mails)
    assert value(metrics, "everpost_store_commit_operations_sum") == 21  # and the one that has held the others up
    commits = value(metrics, "everpost_store_commit_operations_count")
    assert 2 <= commits <= 3
    assert value(metrics, "everpost_store_commit_duration_seconds_count") == commits


async def test_an_operation_that_has_failed_is_in_no_commit(metrics, tmp_path):
    async with opened(str(tmp_path / "everpost.db"), commits=metrics.process) as store:
        await accept(store, message(1))
        with pytest.raises(Exception, match="UNIQUE"):
            await accept(store, message(1))
    assert value(metrics, "everpost_store_commit_operations_sum") == 1


async def test_writes_that_wait_for_a_commit_are_counted_while_they_do(metrics, tmp_path):
    async with opened(str(tmp_path / "everpost.db"), commits=metrics.process) as store:
        async with gathering(store):
            mails = [asyncio.ensure_future(accept(store, message(number))) for number in range(20)]
            await asyncio.sleep(0)
            assert value(metrics, "everpost_store_waiting_writes") == 20
        await asyncio.gather(*mails)
        assert value(metrics, "everpost_store_waiting_writes") == 0


async def test_a_store_in_memory_waits_for_nothing(metrics):
    store = SqliteStore.open(":memory:", inline=True, commits=metrics.process)
    await accept(store, message(1))
    await store.close()
    assert value(metrics, "everpost_store_commit_operations_sum") == 1
    assert value(metrics, "everpost_store_waiting_writes") == 0


async def test_connections_to_providers_are_busy_or_idle(metrics):
    wire = NetworkWire()
    metrics.process.watch_connections(lambda: wire.connections)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def script(peer):
        await peer.request()
        asked.set()
        await answer.wait()
        peer.send(OK)
        await peer.hang()

    def shown():
        return [value(metrics, "everpost_wire_connections", state=state) for state in ("busy", "idle")]

    async with ScriptedServer(script) as server:
        assert shown() == [0, 0]
        sending = asyncio.ensure_future(wire.send(post(server), patient(), time.monotonic() + 10))
        await asked.wait()
        assert shown() == [1, 0]
        answer.set()
        await sending
        assert shown() == [0, 1]
        await wire.close()
        assert shown() == [0, 0]


async def test_a_loop_that_was_blocked_is_seen_to_be_late(metrics):
    late = asyncio.Queue()
    async with watched_loop(late.put_nowait):
        await asyncio.sleep(0)  # from here on it watches
        until = time.monotonic() + TICK_S + 0.1
        while time.monotonic() < until:
            pass
        by_s = await late.get()
    assert by_s > 0.05
    metrics.process.loop_was_late(by_s)
    assert value(metrics, "everpost_event_loop_lag_seconds_sum") == by_s
