"""Everpost broken on purpose: `python mutants.py NAME,NAME serve --config FILE` patches the product, then runs it.

Some of them break nothing. `hurry` shortens the leases, so that what a dead server had in hand is taken up within
seconds; `full_disk` lets no file be written from the start; `freeze` stops the process at the worst place, many times.
"""

import asyncio
import itertools
import math
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from msgspec.structs import replace

from everpost.core import resolving, transitions
from everpost.engine import deliver
from everpost.engine.attempt import Attempts
from everpost.engine.idempotency import Idempotency
from everpost.engine.wire import NetworkWire
from everpost.entrypoints import cli
from everpost.model.delivery import DeliveryState
from everpost.postgres import Conflict, Lost
from everpost.store.port import New, Written
from everpost.store.postgres import accepting as postgres_accepting
from everpost.store.postgres import changes as postgres_changes
from everpost.store.postgres import claims
from everpost.store.sqlite import SqliteStore, accepting
from everpost.store.sqlite.operation import Failed, Shared
from everpost.store.sqlite.writer import Writer

HURRIED_START_S: Final = 1.0  # from the decision to the first byte
ACK_AHEAD_S: Final = 0.2
FREEZE_EVERY: Final = 40  # attempts


def hurry():
    resolving.START_S = HURRIED_START_S
    transitions.LEASE_MARGIN_S = 0.5
    deliver.CLAIM_LEASE_S = 4.0


def full_disk():
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))


def freeze():
    """Of some attempts, the intent is on disk, and not a byte is sent before somebody lets the process go on."""
    start, started = Attempts.start, itertools.count(1)

    def start_and_stop(self, intent):
        start(self, intent)
        if next(started) % FREEZE_EVERY == 0:
            os.kill(os.getpid(), signal.SIGSTOP)

    Attempts.start = start_and_stop


def send_late():
    """Nobody looks at the clock before the first byte."""
    send = NetworkWire.send
    NetworkWire.send = lambda self, request, timeouts, _: send(self, request, timeouts, math.inf)


def ack_before_commit():
    """Accepted mail is stored a little after its sender has been told so."""
    store = SqliteStore.accept
    writing = set()

    async def write_later(*args):
        await asyncio.sleep(ACK_AHEAD_S)
        await store(*args)

    async def stored(*args):
        writing.add(task := asyncio.ensure_future(write_later(*args)))
        task.add_done_callback(writing.discard)
        return New()

    SqliteStore.accept = stored


def blind_resend():
    """What was in flight when a worker died is sent again without a question."""

    def lost(delivery, now):
        queued = replace(delivery, state=DeliveryState.QUEUED, due_at=now)
        return transitions._change(delivery, queued, now, [])

    transitions.lost = lost


def forget_keys():
    """A repeated request is a new mail."""
    Idempotency.claim = lambda *_: None


def intent_not_written():
    """Fresh mail is stored as if nobody had begun to send it, and is sent."""
    store = SqliteStore.accept

    async def store_queued(self, message, deliveries, events, *args):
        lease = message.created_at + deliver.CLAIM_LEASE_S
        queued = [replace(one, state=DeliveryState.QUEUED, due_at=lease, attempts=0) for one in deliveries]
        return await store(self, message, queued, events[:1], *args)

    SqliteStore.accept = store_queued


def believe_failed_commits():
    """Whatever the disk says, it has been done."""
    run = Writer.run

    def believe(self, batch):
        results = run(self, batch)
        accepts = [isinstance(one, Shared) and one.run_all is accepting.accept for one in batch]
        return [
            New() if is_accept and isinstance(result, Failed) else result
            for is_accept, result in zip(accepts, results, strict=True)
        ]

    Writer.run = believe


def believe_lost_accepts():
    """Mail is stored if nobody knows whether it is."""
    _believe_lost_writes(postgres_accepting, New())


def believe_lost_changes():
    """An intent is stored if nobody knows whether it is."""
    _believe_lost_writes(postgres_changes, Written.DONE)


def _believe_lost_writes(room, done):
    carry = room.carry

    async def believe(pool, write):
        try:
            return await pool.run(partial(write, is_doubtful=False))
        except Lost:
            return [done for _ in write.args[0]]
        except Conflict:
            return await carry(pool, write)

    room.carry = believe


def fence_nobody():
    """Nobody locks or leases what he takes, and each may write."""
    claim = claims._CLAIM.sql.replace("FOR UPDATE SKIP LOCKED", "")
    claims._CLAIM.sql = claim.replace("version = d.version + 1, due_at = $3", "due_at = least(d.due_at, $3)")
    written = postgres_changes._written

    async def written_by_all(asked, link, *, is_doubtful):
        stored = (await postgres_changes._look(link, asked)).stored
        unfenced = [replace(one, was=stored[one.delivery.id].version) for one in asked]
        return await written(unfenced, link, is_doubtful=is_doubtful)

    postgres_changes._written = written_by_all


MUTANTS: Final[Mapping[str, Callable[[], None]]] = {
    mutant.__name__: mutant
    for mutant in (
        hurry,
        full_disk,
        freeze,
        send_late,
        ack_before_commit,
        blind_resend,
        forget_keys,
        intent_not_written,
        believe_failed_commits,
        believe_lost_accepts,
        believe_lost_changes,
        fence_nobody,
    )
}

if __name__ == "__main__":
    for name in sys.argv[1].split(","):
        MUTANTS[name]()
    sys.exit(cli.main(sys.argv[2:]))
