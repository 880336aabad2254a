"""What an expression of PromQL asks for, held against what a server shows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser as promql

from everpost.entrypoints.metrics import ServerMetrics
from everpost.entrypoints.metrics.work import VERDICTS
from everpost.model.account import CircuitState
from everpost.model.delivery import DeliveryState
from everpost.model.outcome import Kind

GROWING = {"rate", "irate", "increase"}  # make sense of what only grows
MOVING = {"delta", "deriv", "predict_linear"}  # of gauges
OF_SCRAPE = {"instance", "job"}  # labels that the scraper adds
WORDS = {
    "outcome": {kind.value for kind in Kind},
    "verdict": set(VERDICTS),
    "unit": {"second", "day", "month"},
    "cause": {"nudge", "time"},
}
STATES = {
    "everpost_deliveries": {state.value for state in DeliveryState},
    "everpost_account_circuit": {state.value for state in CircuitState},
    "everpost_wire_connections": {"busy", "idle"},
}


@dataclass(frozen=True)
class Sample:
    """What can be asked for by one name."""

    family: str
    grows: bool
    labels: frozenset[str]


def samples() -> dict[str, Sample]:
    metrics = ServerMetrics("0")
    known = {}
    for made in metrics.instruments:
        for name in made.samples:
            more = {"le"} if name.endswith("_bucket") else set()
            grows = made.type in ("counter", "histogram")
            known[name] = Sample(made.name, grows, frozenset({*made.labels, *more, *OF_SCRAPE}))
    for family in metrics.registry.collect():
        if family.name.startswith("process_"):
            for sample in family.samples:
                known[sample.name] = Sample(family.name, family.type == "counter", frozenset(OF_SCRAPE))
    return known


def faults(expression: str) -> list[str]:
    """Everything in it that no server shows."""
    known = samples()
    tree = promql.parse(expression)
    found = [fault for selector in _selectors(tree) for fault in _faults_of(selector, known)]
    found += [
        f"{call.func.name} of {selector.name}"
        for call in _nodes(tree, promql.Call)
        for selector in _selectors(call)
        if selector.name in known and _is_misused(call.func.name, known[selector.name])
    ]
    labels = set().union(*(known[each.name].labels for each in _selectors(tree) if each.name in known))
    return found + [f"grouped by {label}" for label in grouping(expression) if label not in labels]


def grouping(expression: str) -> set[str]:
    """The labels that it groups by anywhere."""
    aggregates = _nodes(promql.parse(expression), promql.AggregateExpr)
    return {label for each in aggregates if each.modifier is not None for label in each.modifier.labels}


def names(expression: str) -> set[str]:
    return {selector.name for selector in _selectors(promql.parse(expression))}


def _faults_of(selector: Any, known: dict[str, Sample]) -> Iterator[str]:
    if selector.name not in known:
        yield f"no metric {selector.name}"
        return
    sample = known[selector.name]
    for matcher in selector.matchers.matchers:
        if matcher.name not in sample.labels:
            yield f"{selector.name} has no label {matcher.name}"
        words = STATES.get(sample.family, set()) if matcher.name == "state" else WORDS.get(matcher.name, set())
        if words and not set(matcher.value.split("|")) <= words:
            yield f"{matcher.name} is never {matcher.value}"


def _is_misused(function: str, sample: Sample) -> bool:
    return (function in GROWING and not sample.grows) or (function in MOVING and sample.grows)


def _selectors(tree: Any) -> list[Any]:
    return _nodes(tree, promql.VectorSelector)


def _nodes(tree: Any, type_: type) -> list[Any]:
    found = []

    def visit(node: Any) -> None:
        if isinstance(node, type_):
            found.append(node)

    promql.walk(tree, visit, lambda _: None)
    return found


def in_template(text: str) -> set[str]:
    """The labels that an annotation names."""
    return set(re.findall(r"\{\{ \$labels\.(\w+) \}\}", text))
