"""What the figures ought to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from results import number


@dataclass(frozen=True)
class Goal:
    part: str
    key: str  # of the value that is judged
    what: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    needs: str = ""  # the peer without which it can't be measured

    @property
    def words(self) -> str:
        words, bound = ("at least", self.at_least) if self.at_least is not None else ("at most", self.at_most)
        return f"{words} {round(bound or 0, 2):,g} {self.unit}"

    def is_met(self, value: float) -> bool:
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is not None and value <= self.at_most


@dataclass(frozen=True)
class Judged:
    goal: Goal
    measured: str
    verdict: str


USUAL = "FastAPI + Mangum + boto3 + Powertools"
_BUSY = ", on a busy machine"

GOALS = (
    Goal("peers", "accept_of_bare", "durable accept, of a bare JSON endpoint", "%", at_least=50),
    Goal("peers", "accept_times_postfix", "durable accept, of Postfix's", "times", at_least=12, needs="Postfix"),
    Goal("peers", "rate", "end to end: accept to stored outcome", "mails/s", at_least=2000),
    Goal("peers", "rate_times_postfix", "end to end, of Postfix's", "times", at_least=5, needs="Postfix"),
    Goal(
        "peers", "rate_times_celery", "end to end, of Celery's", "times", at_least=5, needs="FastAPI + Celery + anymail"
    ),
    Goal("peers", "cpu", "CPU of 1,000 mails, accept to outcome", "s", at_most=0.6),
    Goal("alone", "added_own", "a synchronous send adds, beyond two flushes of the disk", "ms", at_most=0.5),
    Goal("peers", "added_of_proxy", "a synchronous send adds, of what a proxy adds", "%", at_most=100 / 30),
    Goal("alone", "memory_idle", "memory, idle", "MB", at_most=80),
    Goal("alone", "memory_full", "memory, at most under full load", "MB", at_most=150),
    Goal("alone", "memory_queued", "memory, more with the queue filled", "MB", at_most=30),
    Goal("doors", "dearest", "CPU of a request by the dearest door, of a native one", "times", at_most=1.3),
    Goal("growth", "cpu_growth", "CPU a mail with the store grown", "times", at_most=1.25),
    Goal("growth", "written_growth", "bytes written a mail with the store grown", "times", at_most=1.25),
    Goal("growth", "page_growth", "a page of a list or search, p99, with the store grown: later by", "ms", at_most=20),
    Goal("start", "ready", "server ready after", "s", at_most=0.8),
    Goal("start", "first_mail", "first mail in the inbox, after `make install`", "s", at_most=10),
    Goal("coldstart", "init_of_peer", f"a function's init, of {USUAL}'s", "%", at_most=100 / 6, needs=USUAL),
    Goal("coldstart", "memory_of_peer", f"a function's peak memory, of {USUAL}'s", "%", at_most=50, needs=USUAL),
    Goal("overload", "goodput", "at three times the peak: goodput, of the peak", "%", at_least=90),
    Goal("overload", "rejection_p99", "at three times the peak: a rejection, p99", "ms", at_most=5),
    Goal("overload", "retry_after", "at three times the peak: rejections with Retry-After", "%", at_least=100),
    Goal("overload", "memory", "at three times the peak: memory, at most", "MB", at_most=150),
)


def judged(parts: Mapping[str, Any]) -> list[Judged]:
    return [_judge(goal, parts.get(goal.part)) for goal in GOALS]


def _judge(goal: Goal, part: Mapping[str, Any] | None) -> Judged:
    if part is None:
        return Judged(goal, "", "not measured: this part was not run")
    values = {each["key"]: each["value"] for each in part["values"]}
    if goal.key not in values:
        reason = part["missing"].get(goal.key) or part["missing"].get(goal.needs) or "there was nothing to measure"
        return Judged(goal, "", f"not measured: {reason}")
    value = values[goal.key]
    verdict = "met" if goal.is_met(value) else "not met"
    return Judged(goal, f"{number(value)} {goal.unit}", f"{verdict}{_BUSY if _was_busy(part) else ''}")


def _was_busy(part: Mapping[str, Any]) -> bool:
    """Others wanted more cores than there are."""
    return bool(part["around"]["load_before"] > part["around"]["cores"])
