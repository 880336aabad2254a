"""Two doors and two workers over one PostgreSQL with a Valkey beside it, and their clients."""

import asyncio
import json
import random
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from crash import mutants
from crash.books import Books, breaks, read_books, read_sink, settled
from crash.load import Load
from crash.processes import Installation, until
from postgres_kit import url_of
from server_kit import EVERPOST, HOST

SETTLED_WITHIN_S: Final = 300.0
ENDED_WITHIN_S: Final = 60.0
HURRY: Final = (sys.executable, mutants.__file__, "hurry")  # leases of a few seconds


def broken(*names: str) -> Sequence[str]:
    """The program, broken on purpose."""
    return (sys.executable, mutants.__file__, ",".join(("hurry", *names)))


def shared(store: int, valkey: int) -> Mapping[str, str]:
    """The environment of processes that find a PostgreSQL and a Valkey at these ports."""
    beside = f"valkey://{HOST}:{valkey}"
    return {"EVERPOST_STORE": url_of(store), "EVERPOST_HEALTH": beside, "EVERPOST_WAKEUP": beside}


class Replicas:
    def __init__(self, place: Installation, rng: random.Random, program: Sequence[str] = EVERPOST) -> None:
        self.place = place
        self.rng = rng
        self.doors = [place.add_server(program, "--no-work") for _ in range(2)]
        self.workers = [place.add_worker(program, sink=True) for _ in range(2)]
        self.every = [*self.doors, *self.workers]
        self.load = Load([door.url for door in self.doors], place.token, place.folder / "journal.jsonl", rng)

    async def start(self) -> None:
        await asyncio.gather(*(process.start() for process in self.every))

    async def all_ready(self) -> None:
        """By themselves: a process that has ended is an error."""
        await asyncio.gather(*(until(process.is_ready, ENDED_WITHIN_S) for process in self.every))

    async def audited(self) -> Books:
        """All is worked off, told to the sink and ended by then; in the logs is no bug."""
        await settled(self.place, self.doors[0], SETTLED_WITHIN_S)
        books = await read_books(self.place, self.doors[0], self.load.read_journal())
        await until(partial(_is_told, books, self.place.events), SETTLED_WITHIN_S, every_s=0.3)
        codes = await asyncio.gather(*(process.end(ENDED_WITHIN_S) for process in self.every))
        assert codes == [0] * len(self.every)
        read_sink(self.place.events)
        logs = "".join(process.log.read_text() for process in self.every)
        assert "Traceback" not in logs, logs[-5000:]
        return books

    def complaints(self, books: Books) -> list[str]:
        """What was lost or doubled, and answers that no client should ever see."""
        return [*self.load.surprises, *breaks(books)]

    def tell(self, books: Books, seed: int, struck: Mapping[str, int]) -> None:
        """Prints what was done to them."""
        sums = f"{self.load.handed_in} mails, {len(self.load.refusals)} refusals, {dict(books.by_state)}"
        print(f"seed {seed}: {dict(struck)}, {sums}")  # noqa: T201


async def _is_told(books: Books, sink: Path) -> bool:
    """Whether the sink has all events. One worker at a time relays; when it is killed, another takes over later."""
    whole, _, _ = (await asyncio.to_thread(sink.read_bytes)).rpartition(b"\n")  # the last line may be under way
    return {event["id"] for event in books.events} <= {json.loads(line)["id"] for line in whole.splitlines()}
