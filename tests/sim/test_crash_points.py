"""Chance finds many crashes; these tests try them all, one after the other, in a scenario small enough for that."""

from collections import Counter
from itertools import count

import pytest
from msgspec.structs import replace

from everpost.model.message import OnUnknown
from sim.plan import CrashAt, NodePlan, Plan, ProviderPlan
from sim.report import Report
from sim.scenario import MakeStore, play
from sim.stores import STORES

SMALL = Plan(
    seed=1,
    mails=3,
    storm_s=3.0,
    on_unknown=OnUnknown.HOLD,
    providers=(ProviderPlan(faults={"accept_hang": 0.5, "503": 0.3}), ProviderPlan(latency="postmark")),
    nodes=(NodePlan(), NodePlan(works=False)),
    hurry=True,
)
"""Three mails: one is taken, one is turned away and goes elsewhere, one is taken in silence and has to be asked about.
One node does everything, the other one accepts only."""


MET = {"p0 503", "p0 accept_hang", "p0 fine", "p1 fine", "resolved: found"}
FAR_STRIDE = 11  # of the awaits over DynamoDB, where an operation of the store is many of them, one in eleven is tried


def eventful(store: str) -> tuple[Plan, Report]:
    """The first seed with which all of that is met, and how it goes without a crash."""
    for seed in count(SMALL.seed):
        plan = replace(SMALL, seed=seed)
        whole = crashed(STORES[store], CrashAt(), plan)
        if set(whole.seen) >= MET:
            return plan, whole
    raise AssertionError


def crashed(make_store: MakeStore, crash: CrashAt, plan: Plan) -> Report:
    return play(replace(plan, crash=crash), make_store)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_node_may_die_before_and_after_everything_that_it_asks_of_the_world(store: str) -> None:
    """Each commit is met twice: before it, and when it is durable and nobody has been told."""
    plan, whole = eventful(store)
    broken, died = Counter[str](), 0
    for step in range(1, whole.steps + 1):
        report = crashed(STORES[store], CrashAt(step=step), plan)
        broken.update({f"step {step}: {words}": 1 for words in report.breaks})
        died += report.seen.get("crash", 0)
    assert whole.breaks == []
    assert broken == {}
    assert died > 0.9 * whole.steps  # the last steps are looks at an empty queue, after the end of the run


@pytest.mark.parametrize(("store", "stride"), [("memory", 1), ("dynamodb", FAR_STRIDE)])
def test_a_node_may_die_at_every_await(store: str, stride: int) -> None:
    """Tasks run from one callback of the event loop to the next: between two of them lies every await."""
    plan, whole = eventful(store)
    broken, died = Counter[str](), 0
    calls = range(1, whole.calls, stride)
    for call in calls:
        report = crashed(STORES[store], CrashAt(call=call), plan)
        broken.update({f"call {call}: {words}": 1 for words in report.breaks})
        died += report.seen.get("crash", 0)
    assert whole.breaks == []
    assert broken == {}
    assert died > 0.9 * len(calls)
