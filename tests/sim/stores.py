"""The stores that are played over, as they ship."""

from collections.abc import Mapping

from everpost.store.memory import MemoryStore
from everpost.store.sqlite import SqliteStore
from sim.database import database_store
from sim.far import far_store
from sim.scenario import MakeStore

STORES: Mapping[str, MakeStore] = {
    "memory": lambda clock, _: MemoryStore(clock=clock),
    "sqlite": lambda clock, _: SqliteStore.open(":memory:", clock=clock, inline=True),
    "dynamodb": far_store,
    "postgres": database_store,
}


def store_of(seed: int) -> str:
    """A tenth of long programmes is played over SQLite, and one each over DynamoDB and what PostgreSQL promises."""
    return {0: "sqlite", 3: "postgres", 5: "dynamodb"}.get(seed % 10, "memory")
