"""Faults at the N-th call into the kernel: strace kills a server there, or lets the disk refuse.

strace counts each thread's calls by itself. So the N-th sync or write of a file is that of the thread which writes the
store, but for the first few that a start takes; and with the other threads left alone, `write` is what the event loop
says to providers and clients.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from crash.load import Load
from crash.processes import Installation, Process, until
from system_parts import missing, program

STRUCK_WITHIN_S = 60.0
SENDS = "write"  # as uvloop does it, to providers and clients
FILES = ("fdatasync", "pwrite64")  # as SQLite does it, with the log and the database
_LAST_CALL = re.compile(r"^(?:\d+ +)?(?P<call>\w+)\(\d+<(?P<what>.*?)>[,)]", re.MULTILINE)


class Strike(Struct, frozen=True):
    """What happens at the N-th call."""

    call: str
    at: int
    error: str = ""  # "": kill -9
    on: bool = False  # not once, but from then on

    def __str__(self) -> str:
        return f"{self.error or 'kill'} at {self.call} {self.at}{' and all that follow' if self.on else ''}"

    def words(self, trace: Path) -> Sequence[str]:
        """strace is not the server's parent but its grandchild, so that signals reach the server itself."""
        effect = f"error={self.error}" if self.error else "signal=KILL"
        threads = () if self.call == SENDS else ("-f",)
        inject = f"{self.call}:{effect}:when={self.at}{'+' if self.on else ''}"
        calls = ("-e", f"trace={self.call}", "-e", f"inject={inject}", "-e", "signal=none")
        return (program("strace"), "-D", *threads, "-yy", "-q", "-o", str(trace), *calls)


class Struck(Struct, frozen=True):
    strike: Strike
    what: str  # what the call was about
    ended: int | None  # the exit code; None: it went on


def spread(count: int, last: int) -> Sequence[int]:
    """`count` of 1 … last: half of them the first ones, where everything happens for the first time, half all over the
    rest."""
    if count >= last:
        return range(1, last + 1)
    first = count // 2
    step = (last - first) / (count - first)
    return [*range(1, first + 1), *(round(first + step * number) for number in range(1, count - first + 1))]


async def strike(server: Process, what: Strike, folder: Path) -> Struck:
    """Starts the server under strace, and returns when the call has come. The load is somebody else's."""
    trace, plain = folder / "trace", server.words
    trace.unlink(missing_ok=True)
    server.words = (*what.words(trace), *plain)
    try:
        await server.spawn()
    finally:
        server.words = plain

    async def has_struck() -> bool:
        return server.process.returncode is not None or (trace.exists() and b"(INJECTED)" in trace.read_bytes())

    await until(has_struck, STRUCK_WITHIN_S)
    if not what.error:
        await server.process.wait()
    told = trace.read_text(errors="replace") if trace.exists() else ""
    if not told:
        missing(f"strace can't be used here: {server.log.read_text()[-300:]}")
    return Struck(what, _about(told, what, server), server.process.returncode)


def _about(told: str, what: Strike, server: Process) -> str:
    injected = [line for line in told.splitlines() if "(INJECTED)" in line] or told.splitlines()[-3:]
    found = [call for line in injected for call in _LAST_CALL.finditer(line) if call["call"] == what.call]
    if not found:
        return "?"
    about = found[-1]["what"]
    own, _, peer = about.removeprefix("TCP:[").partition("->")
    if not peer:
        return Path(about).name
    return "a client" if own.endswith(server.url.rpartition(":")[2]) else "a provider"


async def strike_all(place: Installation, server: Process, load: Load, strikes: Sequence[Strike]) -> Sequence[Struck]:
    """One life of the server for each, under load. Of those who live on, the failing disk is mended by a restart."""
    struck = []
    for each in strikes:
        struck.append(await strike(server, each, place.folder))
        if struck[-1].ended is None:
            await _fail_for_a_while(server, load, each)
            await server.kill()
    return struck


async def _fail_for_a_while(server: Process, load: Load, what: Strike) -> None:
    """Once: until it works again. From now on: until it has refused some mail. Or until it has ended."""
    working = load.more(20) if not what.on else load.refused(20)
    tasks = [asyncio.ensure_future(working), asyncio.ensure_future(server.process.wait())]
    async with asyncio.timeout(STRUCK_WITHIN_S):
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def told_of(struck: Sequence[Struck]) -> str:
    """How often each kind of call was hit."""
    hits = Counter((one.strike.call, one.strike.error or "kill", one.what) for one in struck)
    return ", ".join(f"{error} at {call} of {what}: {n}" for (call, error, what), n in sorted(hits.items()))
