"""Nothing is acknowledged that is not on disk, and nothing acknowledged is lost."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from everpost.store.port import StoreUnavailable
from faulty_disk import faulty_disk
from sqlite_stores import gathering, known, opened
from store_values import accept, message


async def test_every_acknowledgement_has_been_synced(path):
    with faulty_disk() as disk:
        async with opened(path) as store:
            for number in range(1, 4):
                disk.log.clear()
                await accept(store, message(number))
                assert disk.log[-1] == ("sync", "log")


async def test_a_full_disk_refuses_all_that_wait_and_loses_nothing_acknowledged(path):
    acknowledged = set()
    async with opened(path) as store:
        pages = store._writer.connection.pragma("page_count")
        store._writer.connection.pragma("max_page_count", pages + 50)
        refused = []
        for start in range(1, 200, 10):
            mails = [message(number, text="x" * 5000) for number in range(start, start + 10)]
            async with gathering(store):
                accepts = [asyncio.ensure_future(accept(store, of)) for of in mails]
            results = await asyncio.gather(*accepts, return_exceptions=True)
            refused = [result for result in results if isinstance(result, StoreUnavailable)]
            if refused:
                break
            acknowledged |= {of.id for of in mails}
        assert len(refused) == 10
        assert "the disk is full" in str(refused[0])
        assert acknowledged
        await accept(store, message(999))  # there is room again: the new connection has no such bound
    assert await known(path) == acknowledged | {message(999).id}


@pytest.mark.parametrize("call", ["sync", "write"])
@pytest.mark.parametrize(("error", "words"), [(apsw.IOError, "reports an error"), (apsw.FullError, "is full")])
async def test_while_the_disk_fails_nothing_is_acknowledged_and_nothing_is_lost(path, call, error, words):
    with faulty_disk() as disk:
        async with opened(path) as store:
            await accept(store, message(1))
            disk.failing, disk.error = {call}, error
            for number in range(2, 5):
                with pytest.raises(StoreUnavailable, match=words):
                    await accept(store, message(number))
            assert await store.get_message("shop", message(1).id) is not None
            disk.failing = frozenset()
            await accept(store, message(5))
    assert {message(1).id, message(5).id} <= await known(path)


async def test_after_a_failed_sync_all_is_written_anew_before_the_next_acknowledgement(path):
    with faulty_disk() as disk:
        async with opened(path) as store:
            await accept(store, message(1))
            disk.failing = {"sync"}
            with pytest.raises(StoreUnavailable):
                await accept(store, message(2))
            disk.failing = frozenset()
            disk.log.clear()
            await accept(store, message(3))
            emptied = disk.log.index(("truncate", "log"))
            assert ("write", "database") in disk.log[:emptied]
            assert ("sync", "database") in disk.log[:emptied]
            assert disk.log[-1] == ("sync", "log")
            assert await store.get_message("shop", message(2).id) is None


_CHILD = """
import asyncio, sys
from store_values import accept, message
from everpost.store.sqlite import SqliteStore

async def main():
    store = SqliteStore.open(sys.argv[1])
    async def caller(first):
        for number in range(first, 10**9, 8):
            await accept(store, message(number))
            print(message(number).id, flush=True)
    await asyncio.gather(*map(caller, range(1, 9)))

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 100, 500])
async def test_a_killed_process_loses_nothing_acknowledged(path, lines):
    acknowledged = await asyncio.to_thread(killed_after, lines, path)
    assert len(acknowledged) >= lines
    assert acknowledged <= await known(path)


def killed_after(lines, path):
    """What a process had acknowledged when it was killed, some time after so many lines."""
    tests = str(Path(__file__).parents[2])
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, path], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": tests}
    )
    told = [child.stdout.readline() for _ in range(lines)]
    child.kill()
    told += child.stdout.readlines()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return {line.decode().strip() for line in told if line.endswith(b"\n")}
