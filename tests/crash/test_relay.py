"""Several servers bring the same events to the same sink: one at a time, and none of them is needed for it."""

import asyncio
import json
import random
from collections import defaultdict

import pytest

from crash.books import read_books, settled
from crash.load import Load
from crash.processes import installation, until
from kafka_kit import brokers

SETTLED_WITHIN_S = 120.0
TOLD_WITHIN_S = 60.0
LOST = {"kind": "accept_hang", "share": 0.1}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_server_killed_in_the_middle_of_relaying_is_replaced_and_every_event_is_told(tmp_path, crash_seed):
    with brokers() as cluster:
        cluster.add_topic("trail", 4)
        sink = f'"kafka:trail?brokers={",".join(cluster.addresses)}"'
        async with installation(tmp_path) as place:
            one, other = place.add_server(sinks=sink), place.add_server(sinks=sink)
            await asyncio.gather(one.start(), other.start())
            load = Load([one.url, other.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
            with load.running():
                await place.put_faults("mailgun", LOST)
                for server in (one, other, one):
                    await load.more(200)
                    await server.kill()
                    await load.more(50)
                    await server.start()
                await place.heal()
                await load.stop()
            await settled(place, other, SETTLED_WITHIN_S)
            books = await read_books(place, other, load.read_journal())

            async def all_told():
                told = await asyncio.to_thread(cluster.ids, "trail")
                return {event["id"] for event in books.events} <= set(told)

            await until(all_told, TOLD_WITHIN_S)
    assert load.surprises == [], crash_seed


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_two_servers_tell_each_event_once_while_nobody_dies_and_in_the_order_of_its_mail(tmp_path, crash_seed):
    async with installation(tmp_path) as place:
        sink = f'"file:{place.events}"'
        one, other = place.add_server(sinks=sink), place.add_server(sinks=sink)
        await asyncio.gather(one.start(), other.start())
        load = Load([one.url, other.url], place.token, tmp_path / "journal.jsonl", random.Random(crash_seed))
        with load.running():
            await load.more(500)
            await load.stop()
        await settled(place, one, SETTLED_WITHIN_S)
        books = await read_books(place, one, load.read_journal())

        async def all_told():
            return place.events.read_bytes().count(b"\n") >= len(books.events)

        await until(all_told, TOLD_WITHIN_S)
        for server in (one, other):
            assert await server.end(30.0) == 0
    lines = [json.loads(line) for line in place.events.read_text().splitlines()]
    assert [line["id"] for line in lines] == [event["id"] for event in books.events]
    by_mail = defaultdict(list)
    for line in lines:
        by_mail[line.get("subject")].append(int(line["sequence"]))
    assert all(sequences == sorted(sequences) for sequences in by_mail.values())
