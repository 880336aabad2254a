"""How the progress of a webhook changes: pure functions of what it was and what has happened."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from everpost.model.event import Event
from everpost.model.limits import WEBHOOK_ATTEMPTS_KEPT_MAX, WEBHOOK_FAILING_S_MAX, WEBHOOK_WAITING_MAX
from everpost.model.webhook import Progress, Replay, Waiting, WebhookAttempt
from everpost.webhooks.schedule import RESTS_AFTER, RETRY_AFTER_S_MAX, pause_s, rest_s

BATCH: Final = 32
"""Events of one step: few enough that nobody waits long for the slowest of them, and that few come twice after a
crash."""
GONE: Final = 410


class End(StrEnum):
    TAKEN = "taken"  # 2xx
    FAILED = "failed"  # to be tried again
    UNSENDABLE = "unsendable"  # no attempt can succeed


class Result(Struct, frozen=True, kw_only=True):
    """What came of one request, or why none was made."""

    end: End
    at: float
    status: int | None = None
    latency_ms: float = 0.0
    error: str = ""
    retry_after_s: float = 0.0  # the receiver asks for so much


class Job(Struct, frozen=True, kw_only=True):
    """An event to be delivered, and how that went. None: there was no time for it."""

    seq: int
    event: Event
    tried: int = 0  # before this
    result: Result | None = None


class Reach(Struct, frozen=True, kw_only=True):
    """How far the trail has been gone through."""

    cursor: int
    replay: Replay | None = None  # as it was …
    replayed_to: int = 0  # … and where it goes on


def moved(progress: Progress, reach: Reach) -> Progress:
    """With the cursors where they have got to; a replay that was asked for meanwhile stays."""
    replay = progress.replay
    if replay is not None and replay == reach.replay:
        replay = replace(replay, cursor=reach.replayed_to) if reach.replayed_to < replay.last else None
    return replace(progress, cursor=max(progress.cursor, reach.cursor), replay=replay)


def due(progress: Progress, now: float) -> tuple[Waiting, ...]:
    """What is to be tried again now, the longest due first."""
    if now < progress.rests_until:
        return ()
    ripe = sorted((one for one in progress.waiting if one.due_at <= now), key=lambda one: one.due_at)
    return tuple(ripe[: _size(progress)])


def room(progress: Progress, now: float, taken: int) -> int:
    """How many further events may be taken up beside those that are tried again. None while too many wait: then those
    that follow wait in the trail."""
    if now < progress.rests_until:
        return 0
    return max(0, min(_size(progress) - taken, WEBHOOK_WAITING_MAX - len(progress.waiting)))


def next_look_at(progress: Progress) -> float | None:
    """When there will be something to do without any further event; None: never."""
    ripe = min((one.due_at for one in progress.waiting), default=None)
    return None if ripe is None else max(ripe, progress.rests_until)


def folded(progress: Progress, jobs: Sequence[Job], lost: frozenset[int], now: float, chance: float) -> Progress:
    """With what came of these jobs. `lost`: events that wait and are no longer in the trail."""
    waiting = {one.seq: one for one in progress.waiting if one.seq not in lost}
    told: list[WebhookAttempt] = []
    given_up = len(lost)
    for job in jobs:
        after = _waits(job, now, chance)
        waiting.pop(job.seq, None)
        if after is not None:
            waiting[job.seq] = after
        if job.result is not None:
            told.append(_attempt(job, job.result, after))
            given_up += after is None and job.result.end is not End.TAKEN
    changed = replace(
        progress,
        waiting=tuple(waiting[seq] for seq in sorted(waiting)),
        attempts=_latest(told, progress.attempts),
        given_up=progress.given_up + given_up,
    )
    return _judged(changed, [job.result for job in jobs if job.result is not None], now, chance)


def has_failed_for_days(progress: Progress, now: float) -> bool:
    """Whether nothing at all was taken for so long that nobody seems to be there any more."""
    since = progress.failing_since
    return since is not None and progress.failures >= RESTS_AFTER and now - since >= WEBHOOK_FAILING_S_MAX


def _size(progress: Progress) -> int:
    return 1 if progress.failures >= RESTS_AFTER else BATCH


def _waits(job: Job, now: float, chance: float) -> Waiting | None:
    """How it goes on waiting; None: it does not."""
    result = job.result
    if result is None:
        return Waiting(job.seq, job.tried, now)
    pause = pause_s(job.tried + 1, chance)
    if result.end is not End.FAILED or pause is None:
        return None
    return Waiting(job.seq, job.tried + 1, now + max(pause, _asked(result)))


def _attempt(job: Job, result: Result, after: Waiting | None) -> WebhookAttempt:
    return WebhookAttempt(
        at=result.at,
        event=job.event.id,
        type=job.event.type.value,
        number=job.tried + 1,
        status=result.status,
        latency_ms=result.latency_ms,
        error=result.error,
        next_at=None if after is None else after.due_at,
    )


def _latest(told: Sequence[WebhookAttempt], before: Sequence[WebhookAttempt]) -> tuple[WebhookAttempt, ...]:
    newest = sorted(told, key=lambda attempt: attempt.at, reverse=True)
    return (*newest, *before)[:WEBHOOK_ATTEMPTS_KEPT_MAX]


def _judged(progress: Progress, results: Sequence[Result], now: float, chance: float) -> Progress:
    """The webhook itself, after these answers in the order in which they came."""
    failures, since, ok_at, delivered, asked = progress.failures, progress.failing_since, progress.ok_at, 0, 0.0
    for result in sorted(results, key=lambda one: one.at + one.latency_ms / 1000):
        if result.end is End.TAKEN:
            failures, since, ok_at, delivered, asked = 0, None, result.at, delivered + 1, 0.0
        elif result.end is End.FAILED:
            failures, since = failures + 1, result.at if since is None else since
            asked = max(asked, _asked(result))
    rest = max(rest_s(failures, chance), asked) if results else 0.0
    return replace(
        progress,
        failures=failures,
        failing_since=since,
        ok_at=ok_at,
        delivered=progress.delivered + delivered,
        rests_until=now + rest if rest else progress.rests_until,
    )


def _asked(result: Result) -> float:
    return min(max(result.retry_after_s, 0.0), RETRY_AFTER_S_MAX)
