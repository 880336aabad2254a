import pytest

from everpost.store.memory import MemoryStore
from everpost.store.sqlite import SqliteStore
from sim.scenario import MakeStore, run

KEPT_SEEDS: tuple[int, ...] = ()
"""Seeds that once found a fault; they run every time."""

STORES: dict[str, MakeStore] = {
    "memory": lambda clock: MemoryStore(clock=clock),
    "sqlite": lambda clock: SqliteStore.open(":memory:", clock=clock, inline=True),
}

SOMETIMES = (
    "acknowledged",
    "replayed",
    "cancelled",
    "crash",
    "freeze",
    "store refuses",
    "store forgets",
    "client gave up waiting",
)
"""What must have happened in some run, else the runs prove nothing about it."""


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
