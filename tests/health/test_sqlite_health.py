"""What the shared file adds: several handles, and no trouble for anybody when it is lost."""

import asyncio

import apsw
import pytest

from everpost.health.port import Report, Sign
from everpost.health.sqlite import SqliteHealth

T = 1_800_000_000.0


@pytest.fixture
def path(tmp_path):
    return tmp_path / "health.db"


@pytest.fixture
async def health(path):
    opened = SqliteHealth.open(str(path))
    yield opened
    await opened.close()


def failure(at=T):
    return Report(account="one", sign=Sign.FAILED, at=at, text="down")


async def failures(health):
    known = (await health.board()).get("one")
    return 0 if known is None else known.failures


async def test_two_handles_count_together(health, path):
    other = SqliteHealth.open(str(path))
    await asyncio.gather(*(one.record([failure()]) for one in [health, other] * 20))
    assert await failures(health) == await failures(other) == 40
    taken = await asyncio.gather(*(one.lease("one", T, T + 30) for one in [health, other] * 5))
    assert taken.count(True) == 1
    await other.close()


async def test_what_is_known_outlives_the_process(health, path):
    await health.record([failure()])
    await health.close()
    again = SqliteHealth.open(str(path))
    assert await failures(again) == 1
    await again.close()


async def test_several_may_create_the_file_at_once(path):
    handles = await asyncio.gather(*(asyncio.to_thread(SqliteHealth.open, str(path)) for _ in range(8)))
    await asyncio.gather(*(one.record([failure()]) for one in handles))
    assert [await failures(one) for one in handles] == [8] * 8
    for one in handles:
        await one.close()


async def test_a_deleted_file_is_made_anew_and_shared_again(health, path):
    other = SqliteHealth.open(str(path))
    await health.record([failure()])
    for file in path.parent.iterdir():
        file.unlink()
    await other.record([failure()])
    await health.record([failure()])
    assert await failures(health) == await failures(other) == 2
    await other.close()


async def test_a_file_that_is_no_database_is_made_anew(path):
    path.write_text("no database, and longer than the head of one: " * 20)
    health = SqliteHealth.open(str(path))
    await health.record([failure()])
    assert await failures(health) == 1
    await health.close()
    assert path.read_bytes().startswith(b"SQLite format 3")


async def test_a_file_that_is_damaged_while_open_is_made_anew(health, path):
    await health.record([failure()])
    apsw.Connection(str(path)).execute("DROP TABLE health")
    await health.record([failure()])
    assert await failures(health) == 1


async def test_a_row_that_nobody_understands_is_forgotten(health, path):
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO health VALUES ('one', x'01')")
    connection.close()
    assert await health.board() == {}
    await health.record([failure()])
    assert await failures(health) == 1


async def test_without_a_place_for_the_file_the_process_remembers_for_itself(tmp_path):
    health = SqliteHealth.open(str(tmp_path / "missing" / "health.db"))
    await health.record([failure()])
    assert await failures(health) == 1
    assert await health.lease("one", T, T + 30)
    assert not await health.lease("one", T, T + 30)
    (tmp_path / "missing").mkdir()
    await health.record([failure()])
    assert await failures(health) == 1
    assert (tmp_path / "missing" / "health.db").exists()
    await health.close()


async def test_a_full_disk_costs_a_report_and_lets_a_probe_go(health):
    await health.record([failure()])
    connection = health._connection
    connection.pragma("max_page_count", connection.pragma("page_count"))
    many = [Report(account=f"account {number}", sign=Sign.OK, at=T) for number in range(2000)]
    await health.record(many)
    assert len(await health.board()) == 1
    assert await failures(health) == 1
    unwritable = "a name that needs a page of its own " * 1000
    assert await health.lease(unwritable, T, T + 30)
    assert await health.lease(unwritable, T, T + 30)
