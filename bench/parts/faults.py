"""What gets lost or sent twice when things fail: Everpost and the peers that fail over, by the providers' own books."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from callers import Callers, HttpLine, Line, SmtpLine
from peers import install
from peers.everpost import LOOKUP_LAG_S, Failover
from peers.handlers import Anymail, Node
from peers.peer import Peer, Setting
from peers.queues import VISIBILITY_S, Celery, Postfix
from providers import Fault, Provider, two_providers
from results import Table, Told
from scale import Scale

PEERS: tuple[type[Peer], ...] = (Failover, Anymail, Node, Celery, Postfix)
AT_ONCE = 32
TIMEOUT_S = 5.0
DOWN_S = 8.0
KILLED_AFTER = 0.3  # of the mails
SETTLED_WITHIN_S = 90.0
LOOK_EVERY_S = 0.2
STILL_S = 3.0
WELL: Fault = {"kind": "slow", "delay_s": 0.02}


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    first: Fault | None = None  # of the first provider
    both_down: bool = False
    times: int = 1  # that each request is made
    kills: bool = False


CASES = (
    Case("works", "nothing fails"),
    Case("500", "first provider answers 500 (SMTP: 451)", {"kind": "status", "status": 500}),
    Case("refuse", "first provider refuses connections", {"kind": "refuse"}),
    Case("hang", "takes 10 %, never answers", {"kind": "accept_hang", "share": 0.1}),
    Case("reset", "takes 10 %, resets", {"kind": "accept_reset", "share": 0.1}),
    Case("down", f"all providers down for {DOWN_S:.0f} s", both_down=True),
    Case("repeat", "every request comes twice", times=2),
    Case("kill", "kill -9 under load", kills=True),
)


@dataclass
class Outcome:
    mails: int
    acknowledged: int
    lost: int  # acknowledged, and with no provider
    twice: int  # with the providers more than once

    @property
    def words(self) -> str:
        return f"{self.acknowledged:,} / {self.lost:,} / {self.twice:,}"


def run(folder: Path, scale: Scale) -> Told:
    told = Told()
    available = [kind for kind in PEERS if _is_available(kind, told)]
    with ThreadPoolExecutor(len(available)) as lanes:  # most of a case is waiting; no case depends on how fast it is
        columns = list(lanes.map(lambda kind: _all_cases(kind, folder, scale.cases), available))
    _tell(told, dict(zip((kind.title for kind in available), columns, strict=True)), scale)
    return told


def _is_available(kind: type[Peer], told: Told) -> bool:
    try:
        kind.check()
    except install.Unavailable as reason:
        told.missing[kind.title] = str(reason)
        return False
    return True


def _all_cases(kind: type[Peer], folder: Path, mails: int) -> list[Outcome | None]:
    """One after the other, with two providers of its own."""
    outcomes = []
    with two_providers() as providers:
        for case in CASES:
            place = folder / f"{kind.name}-{case.name}"
            place.mkdir()
            try:
                outcome = _one(kind, case, place, providers, mails)
            except (OSError, RuntimeError) as error:  # the other cases are still to come
                outcome = None
                print(f"faults: {kind.title}, {case.title}: {error!r}", file=sys.stderr, flush=True)
            else:
                print(f"faults: {kind.title}, {case.title}: {outcome.words}", file=sys.stderr, flush=True)
            outcomes.append(outcome)
    return outcomes


def _one(kind: type[Peer], case: Case, folder: Path, providers: tuple[Provider, Provider], mails: int) -> Outcome:
    for provider in providers:
        provider.fail(WELL)
        provider.forget()
    setting = Setting(
        folder=folder,
        providers=[provider.port for provider in providers],
        mail_servers=[provider.mail_port for provider in providers],
        timeout_s=TIMEOUT_S,
    )
    subjects = [f"{case.name}-{number}" for number in range(mails)]
    with kind(setting).up() as peer:
        callers = Callers(_line(peer), times=case.times, insist=case.kills)
        if case.first:
            providers[0].fail(case.first, WELL)
        with _outage(providers) if case.both_down else nullcontext():
            callers.send(subjects, AT_ONCE, _killer(peer, int(KILLED_AFTER * mails)) if case.kills else _nothing)
        _settle(peer)
    taken = providers[0].taken() + providers[1].taken()
    return count(subjects, callers.acknowledged, taken)


def count(subjects: Sequence[str], acknowledged: set[str], taken: dict[str, int]) -> Outcome:
    return Outcome(
        mails=len(subjects),
        acknowledged=len(acknowledged),
        lost=sum(taken.get(subject, 0) == 0 for subject in acknowledged),
        twice=sum(taken.get(subject, 0) > 1 for subject in subjects),
    )


def _line(peer: Peer) -> Line:
    if peer.takes_smtp:
        return SmtpLine(peer.port)
    return HttpLine(peer.port, "/v1/emails" if isinstance(peer, Failover) else "/send", peer.token)


@contextmanager
def _outage(providers: Sequence[Provider]) -> Iterator[None]:
    """Nobody listens at either, from before the first mail is handed in until after the last one was."""
    began = time.monotonic()
    for provider in providers:
        provider.fail({"kind": "refuse"})
    yield
    time.sleep(max(0.0, began + DOWN_S - time.monotonic()))
    for provider in providers:
        provider.fail(WELL)


def _killer(peer: Peer, after: int) -> Callable[[int], None]:
    """Kills and restarts the system in the caller that is answered as the `after`th one, while the others go on."""

    def kill(answered: int) -> None:
        if answered == after:
            peer.kill()
            peer.start()

    return kill


def _words(outcome: Outcome | None) -> str:
    return outcome.words if outcome else "broke"


def _nothing(_answered: int) -> None:
    pass


def _settle(peer: Peer) -> None:
    """Until nothing is pending, and still is not a while later."""
    until = time.monotonic() + SETTLED_WITHIN_S
    still_since = time.monotonic()
    while time.monotonic() < until and time.monotonic() - still_since < STILL_S:
        time.sleep(LOOK_EVERY_S)
        if peer.pending():
            still_since = time.monotonic()


def _tell(told: Told, columns: dict[str, list[Outcome | None]], scale: Scale) -> None:
    rows = [[case.title, *(_words(column[at]) for column in columns.values())] for at, case in enumerate(CASES)]
    told.tables.append(Table("Acknowledged / lost / sent twice", ["what fails", *columns], rows))
    for kind, words in (("lost", "lost"), ("twice", "sent twice")):
        by_system = {
            title: [getattr(outcome, kind) for outcome in column if outcome] for title, column in columns.items()
        }
        told.plots[kind] = {title: sum(numbers) for title, numbers in by_system.items()}
        told.add(kind, f"{Failover.title}, all cases: {words}", sum(by_system[Failover.title]), "mails")
    told.how = (
        f"{scale.cases:,} mails a case, {AT_ONCE} at a time, each system started anew; all wait {TIMEOUT_S:.0f} s for "
        "a provider. The providers are two `everpost sandbox`, which remember what they took: a mail is lost if it was "
        "acknowledged and neither has it, and sent twice if they have it more than once, by its subject. Every "
        "request has an Idempotency-Key, which only Everpost reads. Callers give a mail up that is not acknowledged; "
        "only under kill -9 do they hand it in again until it is. Killed are all processes of Everpost, and the web "
        "server and the workers of its peers, but not Redis. So that a run ends, Everpost is told that providers' "
        f"records lag by {LOOKUP_LAG_S} s (usual: minutes), Celery's visibility timeout is {VISIBILITY_S} s (usual: an "
        "hour), and Postfix tries again after 2 to 4 s. An outage of all providers lasts "
        f"{DOWN_S:.0f} s at least."
    )
