import dataclasses
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest
from msgspec.structs import replace

from everpost.core import resolving, transitions
from everpost.engine.attempt import Attempts
from everpost.engine.deliver import Deliverer
from everpost.model.delivery import DeliveryState
from everpost.model.outcome import Kind
from everpost.store.memory import MemoryStore
from everpost.store.sqlite import SqliteStore
from sim.scenario import FAULTS, MakeStore, run

TESTS = Path(__file__).parents[1]
KEPT_SEEDS: tuple[int, ...] = ()
"""Seeds that once found a fault; they run every time."""

STORES: dict[str, MakeStore] = {
    "memory": lambda clock: MemoryStore(clock=clock),
    "sqlite": lambda clock: SqliteStore.open(":memory:", clock=clock, inline=True),
}

TROUBLES = {"crash", "freeze", "store refuses", "store forgets", "client gave up waiting", "replayed", "cancelled"}
MUTANT_SEEDS = 60  # within so many seeds every mutant must have been caught


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("--first-seed")
        count = metafunc.config.getoption("--seeds")
        metafunc.parametrize("seed", [*KEPT_SEEDS, *range(first, first + count)])


@pytest.mark.parametrize("store", STORES)
def test_whatever_happens_every_acknowledged_mail_ends_once(store: str, seed: int) -> None:
    report = run(seed, STORES[store])
    assert len(report.acknowledged) == 40
    assert report.breaks == [], f"seed {seed} over {store}"


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
    for seed in range(1, 61):
        seen.update(run(seed, STORES["memory"], mails=20).seen)
    met = {name.partition(" ")[2] if name[0] == "p" and name[1].isdigit() else name for name in seen}
    assert TROUBLES | set(FAULTS) | {"fine", "deadline before the first byte"} <= met


# --- a checker that can't fail proves nothing -------------------------------------------------------------------------

Break = Callable[[pytest.MonkeyPatch], None]


def trust_the_first_absence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resolving, "is_proof", lambda *_: True)


def look_twice_too_soon(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resolving, "patience_s", lambda *_: 3.0)


def take_an_unknown_outcome_for_a_failure(patch: pytest.MonkeyPatch) -> None:
    settle = transitions.settle

    def settled(delivery, outcome, now):
        kind = Kind.UNAVAILABLE if outcome.kind is Kind.UNKNOWN else outcome.kind
        return settle(delivery, replace(outcome, kind=kind), now)

    patch.setattr(transitions, "settle", settled)


def requeue_what_a_lost_worker_had(patch: pytest.MonkeyPatch) -> None:
    def requeued(delivery, now):
        return transitions._change(delivery, replace(delivery, state=DeliveryState.QUEUED, due_at=now), now, [])

    patch.setattr(transitions, "lost", requeued)


def send_before_the_intent_is_stored(patch: pytest.MonkeyPatch) -> None:
    async def begin(self, intents):
        for intent in intents:
            self._attempts.start(intent)
        if intents:
            await self._ports.store.begin([intent.change for intent in intents])

    patch.setattr(Deliverer, "_begin", begin)


def send_however_late(patch: pytest.MonkeyPatch) -> None:
    start = Attempts.start
    patch.setattr(Attempts, "start", lambda self, intent: start(self, dataclasses.replace(intent, not_after=inf)))


def ignore_the_lease(patch: pytest.MonkeyPatch) -> None:
    begin = MemoryStore.begin

    async def unfenced(self, changes):
        now = [replace(change, was=self._deliveries[change.delivery.id].version) for change in changes]
        return await begin(self, now)

    patch.setattr(MemoryStore, "begin", unfenced)


@pytest.mark.parametrize(
    "mutant",
    [
        trust_the_first_absence,
        look_twice_too_soon,
        take_an_unknown_outcome_for_a_failure,
        requeue_what_a_lost_worker_had,
        send_before_the_intent_is_stored,
        send_however_late,
        ignore_the_lease,
    ],
)
def test_the_checker_catches_an_engine_that_would(mutant: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    caught = any(run(seed, STORES["memory"]).breaks for seed in range(1, MUTANT_SEEDS + 1))
    assert caught
