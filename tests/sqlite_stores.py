"""Handles on SQLite stores for their tests."""

import asyncio
import math
import threading
from contextlib import asynccontextmanager

from everpost.store.port import Filter
from everpost.store.sqlite import SqliteStore
from everpost.store.sqlite.operation import Single


@asynccontextmanager
async def opened(path, **options):
    store = SqliteStore.open(path, **options)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def gathering(store):
    """What is asked of the store meanwhile waits, and becomes one batch at the end."""
    busy, go_on = threading.Event(), threading.Event()

    def hold(_connection):
        busy.set()
        go_on.wait()

    store._writes._took_s = math.inf  # a slow disk: nothing is done in the loop's own thread
    held = asyncio.ensure_future(store._writes.run(Single(hold)))
    await asyncio.to_thread(busy.wait)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        go_on.set()
    await held


def count_commits(store):
    commits = []
    store._writer.connection.set_commit_hook(lambda: bool(commits.append(1)))
    return commits


async def known(path):
    """Ids of all messages, as somebody sees them who opens the file afresh."""
    async with opened(path) as store:
        return {stored.message.id for stored in await store.list_messages(Filter(project="shop"), None, 100_000)}
