"""A store behind a database server, as PostgreSQL's is: what it promises of its writes, and the troubles that it has.

Each write is one step at the server, whoever has asked for it. A connection may go before the server has read it, or
after it was carried out; then the store looks for what was written, and knows. Or nobody can be asked: then the caller
is told so, and the server carries it out some time later, or never.
"""

import random
from collections.abc import Awaitable, Callable
from typing import Any, cast

from everpost.store.memory import MemoryStore
from everpost.store.port import Store, StoreUnavailable
from sim.sights import WITNESSES
from sim.world import World

TROUBLE_MAX = 0.03  # share of the writes that one kind of trouble strikes
LATE_S = 10.0  # how long a server may sit on a statement whose client is gone: its own limit
WRITES = frozenset({"accept", "answer", "begin", "advance", "record", "note", "write_config", "suppress", "unsuppress"})


class Database:
    """Stands before a store; `rng` draws the troubles, and `later` has the server carry something out by itself."""

    def __init__(
        self, store: MemoryStore, rng: random.Random, later: Callable[[float, Callable[[], Any]], Any]
    ) -> None:
        self.store = store
        self.seen: Callable[[str, Any, Any], None] = lambda _name, _args, _answer: None
        self._later = later
        self._rng = rng
        self._unsure = rng.choice((0.0, TROUBLE_MAX * rng.random()))
        self._never = rng.choice((0.0, 1.0, rng.random()))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store, name)
        if name not in WRITES:
            return method

        async def write(*args: Any) -> Any:
            if self._unsure and self._rng.random() < self._unsure:
                if self._rng.random() >= self._never:
                    self._later(self._rng.random() * LATE_S, lambda: self._carried_out(name, method(*args), args))
                raise StoreUnavailable("simulated: nobody knows what was done")
            answer = await method(*args)
            self.seen(name, args, answer)
            return answer

        return write

    def _carried_out(self, name: str, step: Awaitable[Any], args: Any) -> None:
        """By a server whose client has gone: nobody hears of it. The memory store never waits."""
        try:
            step.__await__().send(None)
        except StopIteration as end:
            self.seen(name, args, end.value)
        except StoreUnavailable:
            return


def database_store(clock: Callable[[], float], world: World) -> Store:
    """With troubles of its own, drawn from the plan's seed."""
    database = Database(MemoryStore(clock=clock), random.Random(f"database {world.plan.seed}"), world.loop.call_later)
    world.sees_writes = True

    def seen(name: str, args: Any, answer: Any) -> None:
        witness = WITNESSES.get(name)
        if witness is not None:
            witness(world, args, answer)

    database.seen = seen
    return cast("Store", database)  # it has all of the methods of the one behind it
