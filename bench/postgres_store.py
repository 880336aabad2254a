"""What PostgreSQL's store can do on this machine, beside the same server's bare inserts: ratios within one run.

PYTHONPATH=tests .venv/bin/python bench/postgres_store.py [SECONDS]
"""

import asyncio
import itertools
import sys
import tempfile
import time
from pathlib import Path

import postgres_kit
from everpost.model.delivery import DeliveryState
from everpost.store.postgres import schema
from store_values import LATE, change, delivery, event, message

WAITING = 64  # callers at the same time, of each store
PROCESSES = (1, 3)  # stores that compete for the same server
BARE = "INSERT INTO bare SELECT * FROM unnest($1::text[], $2::bytea[])"


async def rate(seconds, *workers):
    """Operations a second of all workers together; each returns how many one call of it was."""
    ends_at = time.perf_counter() + seconds
    total = 0

    async def run(worker):
        nonlocal total
        while time.perf_counter() < ends_at:
            count = await worker()
            total += count

    began_at = time.perf_counter()
    await asyncio.gather(*(run(worker) for worker in workers))
    return total / (time.perf_counter() - began_at)


async def bare(server, seconds):
    """One row a mail, 64 to a commit: the least that anybody pays."""
    link = await server.connect()
    await link.execute("CREATE TABLE IF NOT EXISTS bare (id text PRIMARY KEY, body bytea)")
    numbers = itertools.count()

    async def insert():
        ids = [message(next(numbers)).id for _ in range(WAITING)]
        await link.execute(BARE, ids, [b"x" * 500] * WAITING)
        return WAITING

    try:
        return await rate(seconds, insert)
    finally:
        await link.close()


async def accepts(stores, seconds, numbers, *, told=True):
    def accepting(store):
        async def accept():
            of = message(next(numbers))
            one = delivery(of)
            await store.accept(of, (one,), [event(one)] if told else [], None, LATE)
            return 1

        return accept

    return await rate(seconds, *(accepting(store) for store in stores for _ in range(WAITING)))


async def handovers(stores, seconds):
    """Claimed in batches, and finished as they come."""

    def handing(store):
        async def hand():
            claim = await store.claim_due(LATE, 60.0, WAITING)
            await asyncio.gather(*(store.advance([change(one.delivery, DeliveryState.SENT)]) for one in claim.claimed))
            return len(claim.claimed)

        return hand

    return await rate(seconds, *(handing(store) for store in stores))


async def measure(cluster, seconds):
    server = cluster.server()
    await schema.migrate(server)
    numbers = itertools.count(1)
    rows = {"bare inserts, 64 to a commit": await bare(server, seconds)}
    for count in PROCESSES:
        stores = [await postgres_kit.PostgresStore.open(server) for _ in range(count)]
        name = f"{count} store{'s' if count > 1 else ''} of {WAITING} callers"
        rows[f"accepted, {name}"] = await accepts(stores, seconds, numbers)
        rows[f"accepted without an event, {name}"] = await accepts(stores, seconds, numbers, told=False)
        rows[f"claimed and finished, {name}"] = await handovers(stores, seconds)
        for store in stores:
            await store.close()
    return rows


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with tempfile.TemporaryDirectory() as folder, postgres_kit.cluster(Path(folder), postgres_kit.DURABLE) as cluster:
        rows = asyncio.run(measure(cluster, seconds))
    least = rows["bare inserts, 64 to a commit"]
    for name, per_second in rows.items():
        print(f"{per_second:10,.0f}/s  {per_second / least:5.2f}  {name}")


main()
