import asyncio
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from everpost.engine.fleet import Fleet
from everpost.health.port import Report
from sim.scenario import run
from sim.stores import STORES
from sim.tally import Tally
from sim.virtual_loop import Spinning, VirtualLoop

TESTS = Path(__file__).parents[1]
KEPT_SEEDS: tuple[int, ...] = ()
"""Seeds that once found a fault; they run every time. What a seed plays changes with `draw`, so what must
not get lost is kept as a plan, in a test of its own."""

REPLAY = "PYTHONPATH=tests .venv/bin/python -m sim --store {store} --mails {mails} --shrink {seed}"
MAILS = 60
FAR_SHARE = 2  # one in so many seeds is played over DynamoDB, whose every operation is several requests


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("--first-seed")
        count = metafunc.config.getoption("--seeds")
        seeds = [*KEPT_SEEDS, *range(first, first + count)]
        pairs = [(store, seed) for seed in seeds for store in STORES if store != "dynamodb" or seed % FAR_SHARE == 0]
        metafunc.parametrize(("store", "seed"), pairs)


def test_whatever_happens_every_acknowledged_mail_ends_once(store: str, seed: int, tally: Tally) -> None:
    with tally.timed():
        report = run(seed, STORES[store], MAILS)
    tally.add(store, report)
    assert len(report.acknowledged) + len(report.refused) == MAILS
    assert report.breaks == [], f"make it small: {REPLAY.format(store=store, mails=MAILS, seed=seed)}"


PLAY: str = """
import logging
from sim.scenario import run
from sim.stores import STORES
logging.disable(logging.WARNING)
print(*(run(seed, STORES["memory"], 40).trace_hash for seed in range(1, 9)))
"""


def test_the_same_seed_plays_the_same_trace_in_every_process() -> None:
    """Addresses and the seed of hashes differ between processes: neither may decide what happens."""
    words = [sys.executable, "-c", PLAY]
    processes = [
        subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=TESTS, env={"PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    ]
    first, second = (process.communicate()[0].split() for process in processes)
    assert len(set(first)) == 8
    assert first == second


@pytest.mark.parametrize("store", STORES)
def test_the_same_seed_played_twice_plays_the_same_trace(store: str) -> None:
    first, second = (run(7, STORES[store], MAILS).trace_hash for _ in range(2))
    assert first == second


def test_a_bug_that_a_loop_has_caught_breaks_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def buggy(self: Fleet, reports: Sequence[Report]) -> None:
        raise TypeError("not thought of")

    monkeypatch.setattr(Fleet, "report", buggy)
    breaks = run(7, STORES["memory"], MAILS).breaks
    assert any(told.startswith("a bug was caught: ") and "not thought of" in told for told in breaks)


def test_work_that_gives_time_no_chance_is_told() -> None:
    """A loop that turns in vain until something expires is idle in virtual time only."""

    async def spin() -> None:
        while True:  # noqa: ASYNC110  that is the fault
            await asyncio.sleep(0)

    with pytest.raises(Spinning):
        VirtualLoop(random.Random(1)).run_until_complete(spin())


@pytest.mark.slow
def test_the_runs_meet_everything_that_can_happen() -> None:
    """A simulator that never meets a kind of trouble proves nothing about it."""
    tally = Tally()
    for seed in range(1, 401):
        tally.add("memory", run(seed, STORES["memory"], 40))
        if not tally.never():
            break
    assert tally.never() == []
    assert tally.broken == 0
