"""Chance finds many crashes; these tests try them all, one after the other, in a scenario small enough for that."""

from collections import Counter

import pytest
from msgspec.structs import replace

from everpost.model.message import OnUnknown
from sim.plan import CrashAt, NodePlan, Plan, ProviderPlan
from sim.report import Report
from sim.scenario import MakeStore, play
from sim.stores import STORES

SMALL = Plan(
    seed=8,
    mails=3,
    storm_s=3.0,
    on_unknown=OnUnknown.HOLD,
    providers=(ProviderPlan(faults={"accept_hang": 0.5, "503": 0.3}), ProviderPlan(latency="postmark")),
    nodes=(NodePlan(), NodePlan(works=False)),
    hurry=True,
)
"""Three mails: one is taken, one is turned away and goes elsewhere, one is taken in silence and has to be asked about.
One node does everything, the other one accepts only."""


FAR = replace(SMALL, seed=365)
"""The same over DynamoDB, where an operation of the store is many awaits."""
FAR_STRIDE = 11  # of its awaits, every eleventh one is tried


def crashed(make_store: MakeStore, crash: CrashAt, plan: Plan = SMALL) -> Report:
    return play(replace(plan, crash=crash), make_store)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_node_may_die_before_and_after_everything_that_it_asks_of_the_world(store: str) -> None:
    """Each commit is met twice: before it, and when it is durable and nobody has been told."""
    whole = crashed(STORES[store], CrashAt())
    broken, died = Counter[str](), 0
    for step in range(1, whole.steps + 1):
        report = crashed(STORES[store], CrashAt(step=step))
        broken.update({f"step {step}: {words}": 1 for words in report.breaks})
        died += report.seen.get("crash", 0)
    assert whole.breaks == []
    assert {"p0 503", "p0 accept_hang", "p0 fine", "p1 fine", "resolved: found"} <= set(whole.seen)
    assert broken == {}
    assert died > 0.9 * whole.steps  # the last steps are looks at an empty queue, after the end of the run


@pytest.mark.parametrize(("store", "plan", "stride"), [("memory", SMALL, 1), ("dynamodb", FAR, FAR_STRIDE)])
def test_a_node_may_die_at_every_await(store: str, plan: Plan, stride: int) -> None:
    """Tasks run from one callback of the event loop to the next: between two of them lies every await."""
    whole = crashed(STORES[store], CrashAt(), plan)
    broken, died = Counter[str](), 0
    calls = range(1, whole.calls, stride)
    for call in calls:
        report = crashed(STORES[store], CrashAt(call=call), plan)
        broken.update({f"call {call}: {words}": 1 for words in report.breaks})
        died += report.seen.get("crash", 0)
    assert whole.breaks == []
    assert {"p0 503", "p0 accept_hang", "p0 fine", "p1 fine", "resolved: found"} <= set(whole.seen)
    assert broken == {}
    assert died > 0.9 * len(calls)
