"""Whether mail can be stored is found out by storing something."""

from engine_kit import GONE, elapse
from everpost.engine.console import READY_S


async def test_a_store_that_can_only_be_read_is_not_ready_and_says_why(world):
    """To a full disk a write of nothing is as good as none."""
    world.store.fails["write_config"] = GONE
    trouble = await world.engine().console.ready()
    assert (trouble.status, trouble.code, trouble.detail) == (503, "store_unavailable", str(GONE))
    assert trouble.retry_after_s >= READY_S


async def test_it_is_ready_again_within_a_second_of_having_room(world):
    console = world.engine().console
    world.store.fails["write_config"] = GONE
    assert await console.ready() is not None
    del world.store.fails["write_config"]
    await elapse(READY_S)
    assert await console.ready() is None


async def test_whoever_asks_all_the_time_makes_the_disk_work_once_a_second(world):
    console = world.engine().console
    for _ in range(100):
        await console.ready()
    assert world.store.called["write_config"] == 1
    await elapse(READY_S)
    await console.ready()
    assert world.store.called["write_config"] == 2
