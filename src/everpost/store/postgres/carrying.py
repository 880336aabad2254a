"""A write that is tried until it is known what became of it."""

import asyncio
from typing import Final, Protocol, TypeVar

import asyncpg

from everpost.postgres import Conflict, Lost, Pool, Unreachable
from everpost.store.postgres.lane import Spoilt

TRIES: Final = 6  # while others are first with what a write rests on, or connections go
RETURN_S: Final = 3.0  # how long a server that was lost in the middle of a write is looked for; below an accept's time
PAUSE_S: Final = 0.05  # between two looks

T_co = TypeVar("T_co", covariant=True)


class Write(Protocol[T_co]):
    async def __call__(self, link: asyncpg.Connection, *, is_doubtful: bool) -> T_co:
        """Where it is doubtful, an earlier try may have been carried out: it looks for what that has written. May be
        called again after any fault."""
        ...


async def carry(pool: Pool, write: Write[T_co]) -> T_co:
    """What the write returns. A connection that is lost says nothing of what was sent by it, so that is looked for by
    another one. Raises Lost if nobody could be asked in time, Unreachable and Refused if nothing was done, and Spoilt
    if others were first again and again."""
    is_doubtful = False
    for _ in range(TRIES):
        try:
            return (
                await _found(pool, write)
                if is_doubtful
                else await pool.run(lambda link: write(link, is_doubtful=False))
            )
        except Lost:
            is_doubtful = True
        except Conflict:
            continue
    if is_doubtful:
        raise Lost("the connection to PostgreSQL went again and again: nobody knows what was done")
    raise Spoilt("others were first, again and again")


async def _found(pool: Pool, write: Write[T_co]) -> T_co:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + RETURN_S
    while True:
        try:
            return await pool.run(lambda link: write(link, is_doubtful=True))
        except Unreachable as error:
            if loop.time() > ends_at:
                raise Lost(f"nobody knows what was done: {error}") from error
        await asyncio.sleep(PAUSE_S)
