"""Provider health in one hash of Valkey, Redis or ElastiCache, shared by all workers that can reach it.

One key: a board is one command, and a cluster keeps all of it on one node. Each account has the fields `mark/NAME`,
`state/NAME` and `ok_at/NAME`, and counters `ok/START/NAME` and `failed/START/NAME`.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final, cast

from everpost.health.entry import (
    FORGET_S,
    NO_ENTRY,
    Entry,
    Step,
    by_account,
    counters,
    entry_of,
    probed,
    reported,
    stale_counters,
)
from everpost.health.port import HealthUnavailable, Report
from everpost.model.account import AccountHealth
from everpost.valkey import Argument, Command, Reply, Server, ValkeyUnavailable

KEY: Final = "everpost:{health}"
TRIES: Final = (
    32  # against workers that write of the same account at the same moment: one of them gets through each time
)

_SCRIPT: Final = """
local key, account, was, mark, state, ok_at, ok_until, forget_s, counts = KEYS[1], unpack(ARGV, 1, 8)
local is_marked = (redis.call('HGET', key, 'mark/' .. account) or '') == was
local known = ok_until ~= '' and redis.call('HGET', key, 'ok_at/' .. account)
if not is_marked or (known and tonumber(known) > tonumber(ok_until)) then
  return redis.call('HGETALL', key)
end
redis.call('HSET', key, 'mark/' .. account, mark)
if state ~= '' then redis.call('HSET', key, 'state/' .. account, state) end
if ok_at ~= '' then redis.call('HSET', key, 'ok_at/' .. account, ok_at) end
local last = 8 + 2 * counts
for at = 9, last, 2 do redis.call('HINCRBY', key, ARGV[at], ARGV[at + 1]) end
for at = last + 1, #ARGV do redis.call('HDEL', key, ARGV[at]) end
redis.call('EXPIRE', key, forget_s)
return 1
"""
"""Takes a step if it holds; else it answers with all there is."""


class ValkeyHealth:
    """Raises HealthUnavailable; `OwnView` is for those who go on without it."""

    def __init__(self, server: Server, key: str = KEY) -> None:
        """Installations that share a server have keys of their own."""
        self._server = server
        self._key = key
        self._entries: dict[str, Entry] = {}  # as last seen

    async def record(self, reports: Sequence[Report]) -> None:
        pending = dict(by_account(reports))
        for _ in range(TRIES):
            steps = [reported(self._entry(name), name, told) for name, told in pending.items()]
            for name in await self._taken(steps):
                del pending[name]
            if not pending:
                return
        raise HealthUnavailable("others write of the same accounts all the time")

    async def board(self) -> Mapping[str, AccountHealth]:
        (reply,) = await self._ask([("HGETALL", self._key)])
        self._entries = self._read(reply)
        return {name: entry.health for name, entry in self._entries.items()}

    async def lease(self, account: str, now: float, until: float) -> bool:
        for _ in range(TRIES):
            step = probed(self._entry(account), account, now, until)
            if step is None:
                return False
            if await self._taken([step]):
                return True
        raise HealthUnavailable("others write of the same account all the time")

    async def close(self) -> None:
        await self._server.close()

    async def _ask(self, commands: Sequence[Command]) -> list[Reply]:
        try:
            return await self._server.ask(commands)
        except ValkeyUnavailable as error:
            raise HealthUnavailable(str(error)) from error

    def _entry(self, account: str) -> Entry:
        return self._entries.get(account, NO_ENTRY)

    async def _taken(self, steps: Sequence[Step]) -> list[str]:
        """The accounts whose steps hold. Of the others, what is there is known now."""
        replies = await self._ask([self._command(step) for step in steps])
        taken = []
        for step, reply in zip(steps, replies, strict=True):
            if reply == 1:
                self._entries[step.account] = step.after
                taken.append(step.account)
        for reply in replies:
            if isinstance(reply, list):
                self._entries = self._read(reply)
        return taken

    def _read(self, reply: Reply) -> dict[str, Entry]:
        """Mail goes on, whatever somebody has written there."""
        try:
            return _entries(cast("list[bytes]", reply))
        except (ValueError, TypeError, AttributeError) as error:
            raise HealthUnavailable(f"{self._key} holds something else than health: delete it") from error

    def _command(self, step: Step) -> Command:
        counts = [(f"{kind}/{start:.0f}/{step.account}", str(amount)) for kind, start, amount in counters(step)]
        stale = [f"{kind}/{start:.0f}/{step.account}" for kind, start in stale_counters(step)]
        arguments: list[Argument] = [
            step.account,
            step.was,
            step.after.mark,
            step.state or b"",
            "" if step.ok_at is None else repr(step.ok_at),
            "" if step.ok_until is None else repr(step.ok_until),
            FORGET_S,
            len(counts),
        ]
        return ("EVAL", _SCRIPT, 1, self._key, *arguments, *chain.from_iterable(counts), *stale)


def _entries(fields: Sequence[bytes]) -> dict[str, Entry]:
    """What the hash holds. Fields that nobody knows are another version's."""
    marks: dict[str, str] = {}
    states: dict[str, bytes] = {}
    ok_ats: dict[str, float] = {}
    counts: dict[str, dict[float, dict[str, int]]] = {}
    for field, value in zip(fields[::2], fields[1::2], strict=True):
        kind, _, rest = field.decode().partition("/")
        match kind:
            case "mark":
                marks[rest] = value.decode()
            case "state":
                states[rest] = value
            case "ok_at":
                ok_ats[rest] = float(value)
            case "ok" | "failed":
                start, _, name = rest.partition("/")
                counts.setdefault(name, {}).setdefault(float(start), {})[kind] = int(value)
    return {
        name: entry_of(mark, states.get(name), ok_ats.get(name), counts.get(name, {})) for name, mark in marks.items()
    }
