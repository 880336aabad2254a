"""Figures for CloudWatch as log lines in the embedded metric format. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
They carry names of accounts and sinks, never addresses.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.engine.console import AccountStatus
from everpost.model.account import CircuitState
from everpost.model.delivery import DeliveryState
from everpost.store.port import Counts

NAMESPACE: Final = "Everpost"
DIMENSION_CHARS_MAX: Final = 1024
NAMELESS: Final = "-"

UNITS: Final[Mapping[str, str]] = {
    "Accepted": "Count",  # mails
    "Attempts": "Count",  # that have ended; by account and outcome, and by outcome alone
    "Queued": "Count",  # deliveries in this state, as Sending, Uncertain and Held
    "Sending": "Count",
    "Uncertain": "Count",
    "Held": "Count",
    "OldestDueAge": "Seconds",  # how long the longest due delivery has waited
    "Unaccounted": "Count",  # deliveries accepted less those in any state; anything but 0 is a bug
    "AccountsUsable": "Count",  # whose circuit is not open
    "AccountsOpen": "Count",  # whose circuit is
    "CircuitOpen": "Count",  # 1 or 0; by account
    "MailMissing": "Count",  # of the latest accepted mails of an account, those not in its provider's records
    "DeadLetters": "Count",  # events that a sink will never take
    "Webhooks": "Count",  # requests of providers; by account and result, and by result alone
    "WebhookEvents": "Count",  # that they have brought; by the same
    "SinkLag": "Seconds",  # how long a sink has kept the next event waiting; by sink
}
"""Every figure, and its unit."""

_STATES: Final = {
    "Queued": DeliveryState.QUEUED,
    "Sending": DeliveryState.SENDING,
    "Uncertain": DeliveryState.UNCERTAIN,
    "Held": DeliveryState.HELD,
}
_JSON: Final = msgspec.json.Encoder()


class Facts(Struct, frozen=True, kw_only=True):
    """What one invocation knows. What it has not looked at is None, and left out; counters are of this invocation."""

    counts: Counts | None = None
    accounts: Sequence[AccountStatus] | None = None
    accepted: int | None = None
    attempts: Mapping[tuple[str, str], int] = {}  # by account and outcome
    webhooks: Mapping[tuple[str, str], int] = {}  # by account and result
    webhook_events: Mapping[tuple[str, str], int] = {}  # as these
    dead_letters: int | None = None
    sink_lags: Mapping[str, float] = {}  # in seconds, by sink


def lines(facts: Facts, function: str, now: float) -> list[bytes]:
    """JSON, one object a line, without the newlines. `function` keeps installations of one AWS account apart."""
    told: list[tuple[Mapping[str, str], Mapping[str, float]]] = [({}, _overall(facts, now))]
    told += [({"Account": status.account.name}, _of_account(status)) for status in facts.accounts or ()]
    told += [({"Sink": sink}, {"SinkLag": lag_s}) for sink, lag_s in facts.sink_lags.items()]
    told += _counted("Attempts", "Outcome", facts.attempts)
    told += _counted("Webhooks", "Result", facts.webhooks)
    told += _counted("WebhookEvents", "Result", facts.webhook_events)
    return [_line({"Function": function, **about}, figures, now) for about, figures in told if figures]


def _counted(
    name: str, dimension: str, counts: Mapping[tuple[str, str], int]
) -> list[tuple[Mapping[str, str], Mapping[str, float]]]:
    """By account and what it came to, and by the latter alone."""
    by_both = [({"Account": account, dimension: what}, {name: count}) for (account, what), count in counts.items()]
    in_all: Counter[str] = Counter()
    for (_, what), count in counts.items():
        in_all[what] += count
    return [*by_both, *(({dimension: what}, {name: count}) for what, count in in_all.items())]


def _overall(facts: Facts, now: float) -> dict[str, float]:
    found: dict[str, float] = {}
    if facts.accepted is not None:
        found["Accepted"] = facts.accepted
    if facts.dead_letters is not None:
        found["DeadLetters"] = facts.dead_letters
    if facts.counts is not None:
        counts = facts.counts
        found |= {name: counts.by_state.get(state, 0) for name, state in _STATES.items()}
        found["OldestDueAge"] = 0.0 if counts.oldest_due_at is None else max(0.0, now - counts.oldest_due_at)
        found["Unaccounted"] = counts.accepted - sum(counts.by_state.values())
    if facts.accounts is not None:
        open_ = sum(status.circuit.state is CircuitState.OPEN for status in facts.accounts)
        found |= {"AccountsOpen": open_, "AccountsUsable": len(facts.accounts) - open_}
    return found


def _of_account(status: AccountStatus) -> dict[str, float]:
    return {
        "CircuitOpen": int(status.circuit.state is CircuitState.OPEN),
        "MailMissing": status.health.records.missing,
    }


def _line(about: Mapping[str, str], figures: Mapping[str, float], now: float) -> bytes:
    dimensions = {name: _dimension(value) for name, value in about.items()}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in figures],
    }
    told: dict[str, Any] = {"_aws": {"Timestamp": round(now * 1000), "CloudWatchMetrics": [directive]}}
    return _JSON.encode(told | dimensions | dict(figures))


def _dimension(value: str) -> str:
    """In ASCII, and not empty, as CloudWatch has its dimensions."""
    text = value.encode("ascii", "replace").decode()
    return "".join(char if char.isprintable() else "?" for char in text)[:DIMENSION_CHARS_MAX].strip() or NAMELESS
