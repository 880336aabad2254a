"""From a seed to a plan: a random subset of everything that can be set, some of it to extremes (swarm testing).

Most runs then look at few faults closely, and some at one alone: with every fault on at once, each would hide others.
"""

import random

from msgspec.structs import replace

from everpost.model.message import OnUnknown
from sim.behaviour import FAULTS, LATENCIES, LOOKUP_FAULTS, REFUSED_FOR_GOOD
from sim.catalogue import SCRIPTS
from sim.extremes import EXTREMES, NO_TIME
from sim.plan import DAY_S, NodePlan, Plan, ProviderPlan, Weather

MAILS = (60, 300, 600, 1000)
NO_TIME_STORE_S = 0.015  # a slower store could never accept in no time, and nobody would ever be answered
ALL_AT_ONCE = ("refuse", "503", "hang", "accept_hang")
HOOKED = 0.3  # share of the runs whose providers tell what becomes of mail
HOOK_TROUBLES = ("lost", "late", "twice")
DOMAIN = "example.com"
OTHER_DOMAIN = "other.example"


def draw(seed: int, mails: int | None = None) -> Plan:
    rng = random.Random(seed)
    askable = rng.random() < 0.7  # questions may be asked for days, so that every outcome becomes certain
    providers = tuple(_provider(rng, first=number == 0, askable=askable) for number in range(rng.randint(1, 3)))
    if rng.random() < 0.06:  # they all fail in the same way, as when the network is at fault
        faults = {rng.choice(ALL_AT_ONCE): 1.0}
        providers = tuple(replace(provider, faults=faults, script=None) for provider in providers)
    if providers[0].script or REFUSED_FOR_GOOD & set(providers[0].faults):  # what it refuses can't wait for a new day
        providers = tuple(replace(provider, per_day=None) for provider in providers)
    nodes = [_node(rng) for _ in range(rng.randint(1, 5))]
    nodes[0] = NodePlan(skew_s=nodes[0].skew_s, weather=nodes[0].weather)  # somebody accepts, and somebody works
    is_scripted = any(provider.script for provider in providers)
    extremes = tuple(name for name in EXTREMES if rng.random() < 0.06)
    plan = Plan(
        seed=seed,
        mails=mails or rng.choice(MAILS[:2] if extremes else MAILS),
        storm_s=900.0 if is_scripted else rng.choice((120.0, 300.0, 900.0)),
        projects=rng.choice((1, 1, 2, 5)),
        on_unknown=rng.choice((OnUnknown.HOLD, OnUnknown.RESEND)),
        askable=askable,
        resolve_within_s=3 * DAY_S if askable else rng.choice((60.0, 600.0, 3600.0)),
        providers=providers,
        nodes=tuple(nodes),
        sink_fails=rng.choice((0.0, 0.0, 0.3)),
        store_s=rng.choice((0.0, 0.0, 0.005, 0.1)),
        extremes=extremes,
        hurry=rng.random() < 0.05,
        operators=rng.random() < 0.1,
    )
    plan = replace(plan, store_s=min(plan.store_s, NO_TIME_STORE_S)) if NO_TIME in extremes else plan
    return _with_webhooks(plan, random.Random(f"tells {seed}"))


def _with_webhooks(plan: Plan, rng: random.Random) -> Plan:
    """Drawn apart from all else: what a seed plays without them stays as it was."""
    if rng.random() >= HOOKED:
        return plan
    tells = {name: rng.choice((0.0, 0.1, 0.5)) for name in HOOK_TROUBLES}
    return replace(plan, providers=tuple(replace(one, tells=tells) for one in plan.providers))


def _provider(rng: random.Random, *, first: bool, askable: bool) -> ProviderPlan:
    """The first one can carry every mail, and has no quota that lasts: it will take what the others won't."""
    deaf = not askable and rng.random() < 0.3
    script = rng.choice(sorted(SCRIPTS)) if rng.random() < 0.15 else None
    return ProviderPlan(
        faults={} if script else _faults(rng),
        script=script,
        latency=rng.choice(sorted(LATENCIES)),
        paged=rng.random() < 0.3,
        deaf=deaf,
        mute=not askable and not deaf and rng.random() < 0.4,
        weight=rng.choice((None, 1.0, 5.0)),
        concurrency=rng.choice((10, 10, 10, 50, 1)),
        per_second=rng.choice((None, None, 20)) if first else rng.choice((None, None, None, 3, 20)),
        per_day=None if first else rng.choice((None, None, 5, 50)),
        senders=() if first or rng.random() < 0.7 else (DOMAIN,),
        recipients_max=1000 if first else rng.choice((1000, 1000, 1)),
    )


def _faults(rng: random.Random) -> dict[str, float]:
    if rng.random() < 0.1:
        return {rng.choice([name for name in FAULTS if name not in LOOKUP_FAULTS]): 1.0}
    chosen = rng.sample(FAULTS, rng.choice((0, 1, 2, 3, 5)))
    return {name: rng.choice((0.02, 0.1, 0.3)) for name in chosen}


def _node(rng: random.Random) -> NodePlan:
    skewed = rng.random() < 0.25
    return NodePlan(
        accepts=rng.random() < 0.85,
        works=rng.random() < 0.85,
        skew_s=rng.choice((-3.0, 3.0, DAY_S, -DAY_S)) if skewed else 0.0,
        weather=Weather(
            crash_every_s=rng.choice((0, 0, 300.0, 60.0)),
            freeze_every_s=rng.choice((0, 0, 120.0, 20.0)),
            freeze_s=rng.choice((30.0, 120.0)),
            jump_every_s=rng.choice((0, 0, 0, 300.0)),
            jump_s=rng.choice((5.0, DAY_S)),
            deploy_every_s=rng.choice((0, 0, 100.0)),
            store_refuses=rng.choice((0, 0, 0.01)),
            store_forgets=rng.choice((0, 0, 0.01)),
            alone=rng.random() < 0.2,
        ),
    )
