"""A server that starts with a long queue reads as little of it as of a short one; recovery.py tells the times."""

import asyncio
from contextlib import contextmanager

import apsw
import pytest

from crash.recovery import fill
from everpost.store.sqlite import SqliteStore
from store_values import NOW as EARLIER
from store_values import accept, bounds, message

ROOM = 64
SPARE = 30  # reads: an index that is a level higher is so for every look-up


class Reads(apsw.VFS):
    """While in use, it carries all databases that are opened, and counts what is read of them."""

    NAME = "everpost-reads"

    def __init__(self):
        self.count = 0
        self.usual = apsw.vfs_names()[0]
        super().__init__(self.NAME, base=self.usual)

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's name
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, reads, name, flags):
        self._reads = reads
        super().__init__(reads.usual, name, flags)

    def xRead(self, amount, offset):  # noqa: N802 - SQLite's name
        self._reads.count += 1
        return super().xRead(amount, offset)


@contextmanager
def counted():
    reads = Reads()
    apsw.set_default_vfs(Reads.NAME)
    try:
        yield reads
    finally:
        apsw.set_default_vfs(reads.usual)
        reads.unregister()


async def reads_of_a_start(path):
    """Pages that are read until the first mail is acknowledged and the first ones are claimed; and so until the first
    look for what is to be purged is over."""
    with counted() as reads:
        store = SqliteStore.open(str(path), inline=True)
        try:
            assert await accept(store, message(99_999_999))
            claim = await store.claim_due(9e9, 15.0, ROOM)
            assert await store.purge(bounds(EARLIER - 1e9, EARLIER - 1e9), 500) == 0
            assert len(claim.claimed) == ROOM
            return reads.count
        finally:
            await store.close()


@pytest.mark.slow
def test_a_start_with_a_long_queue_reads_no_more_of_it_than_one_with_a_short_queue(tmp_path):
    counts = []
    for mails in (1000, 20_000):
        path = tmp_path / f"{mails}.db"
        fill(path, mails, spread_s=0.0)
        counts.append(asyncio.run(reads_of_a_start(path)))
    short, long_ = counts
    assert long_ <= short + SPARE, counts
