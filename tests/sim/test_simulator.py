import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from everpost.store.memory import MemoryStore
from everpost.store.sqlite import SqliteStore
from sim.mutants import MUTANTS, Mutant
from sim.scenario import FAULTS, MakeStore, run
from sim.tally import Tally

TESTS = Path(__file__).parents[1]
KEPT_SEEDS: tuple[int, ...] = ()
"""Seeds that once found a fault; they run every time."""

STORES: dict[str, MakeStore] = {
    "memory": lambda clock: MemoryStore(clock=clock),
    "sqlite": lambda clock: SqliteStore.open(":memory:", clock=clock, inline=True),
}

REPLAY = '.venv/bin/pytest tests/sim -k "ends_once and {store}" --seeds 1 --first-seed {seed}'
MAILS = 40
MUTANT_SEEDS = 100  # within so many seeds every mutant must have been caught
TROUBLES = {
    "crash",
    "freeze",
    "clock jump",
    "deploy",
    "store refuses",
    "store forgets",
    "sink refuses",
    "sink forgets",
    "deadline before the first byte",
    "a page of records",
    "client gave up waiting",
    "replayed",
    "repeated",
    "key refused",
    "cancelled",
    "suppressed",
    "sent again",
    "held",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("--first-seed")
        count = metafunc.config.getoption("--seeds")
        metafunc.parametrize("seed", [*KEPT_SEEDS, *range(first, first + count)])


@pytest.mark.parametrize("store", STORES)
def test_whatever_happens_every_acknowledged_mail_ends_once(store: str, seed: int, tally: Tally) -> None:
    with tally.timed():
        report = run(seed, STORES[store], MAILS)
    tally.add(store, report)
    assert len(report.acknowledged) == MAILS
    assert report.breaks == [], f"play it again: {REPLAY.format(store=store, seed=seed)}"


PLAY: str = """
from everpost.store.memory import MemoryStore
from sim.scenario import run
print(*(run(seed, lambda clock: MemoryStore(clock=clock)).trace_hash for seed in range(1, 9)))
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
    assert len(first) == 8
    assert first == second


def test_the_runs_meet_every_kind_of_trouble() -> None:
    seen: Counter[str] = Counter()
    for seed in range(1, 81):
        seen.update(run(seed, STORES["memory"], mails=20).seen)
    met = {name.partition(" ")[2] if name[0] == "p" and name[1].isdigit() else name for name in seen}
    assert TROUBLES | set(FAULTS) | {"fine"} <= met


@pytest.mark.parametrize(("mutant", "words"), MUTANTS, ids=[mutant.__name__ for mutant, _ in MUTANTS])
def test_the_checker_catches_an_everpost_that_would(
    mutant: Mutant, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checker that can't fail proves nothing."""
    mutant(monkeypatch)
    told = (words_ for seed in range(1, MUTANT_SEEDS + 1) for words_ in run(seed, STORES["memory"]).breaks)
    assert any(re.search(words, words_) for words_ in told)
