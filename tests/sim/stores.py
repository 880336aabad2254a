"""The stores that are played over, as they ship."""

from collections.abc import Mapping

from everpost.store.memory import MemoryStore
from everpost.store.sqlite import SqliteStore
from sim.scenario import MakeStore

STORES: Mapping[str, MakeStore] = {
    "memory": lambda clock: MemoryStore(clock=clock),
    "sqlite": lambda clock: SqliteStore.open(":memory:", clock=clock, inline=True),
}


def store_of(seed: int) -> str:
    """A tenth of long programmes is played over SQLite."""
    return "sqlite" if seed % 10 == 0 else "memory"
