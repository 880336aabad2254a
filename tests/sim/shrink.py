"""From a seed that breaks a promise to the smallest plan that still breaks the same one.

Whatever is taken away from a plan, chance falls otherwise in what is left; so each smaller plan is tried with a few
seeds before it is given up, and with the more the fewer mails it has: with them go the chances to meet a fault.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from sim.draw import draw
from sim.plan import Plan, ProviderPlan, Weather
from sim.scenario import MakeStore, play

TRIES_MIN = 5  # seeds of each smaller plan …
MAILS_TRIED = 600  # … or as many as have together so many mails
CALM = Weather()
DEFAULTS = Plan(seed=0, mails=0, providers=(), nodes=())


@dataclass(frozen=True)
class Small:
    plan: Plan
    words: str  # the promise that it breaks


def shrunk(seed: int, make_store: MakeStore, mails: int | None = None) -> Small | None:
    """None: the seed breaks no promise."""
    plan = draw(seed, mails)
    breaks = play(plan, make_store).breaks
    if not breaks:
        return None
    small, kind = Small(plan, breaks[0]), _kind(breaks[0])
    while (smaller := _smaller(small, kind, make_store)) is not None:
        small = smaller
    return small


def replay(plan: Plan, store: str) -> str:
    """The command that plays it."""
    words = shlex.quote(msgspec.json.encode(plan).decode())
    return f"PYTHONPATH=tests .venv/bin/python -m sim --store {store} --plan {words}"


def _smaller(small: Small, kind: str, make_store: MakeStore) -> Small | None:
    for candidate in _candidates(small.plan):
        tries = max(TRIES_MIN, MAILS_TRIED // candidate.mails)
        for seed in range(small.plan.seed, small.plan.seed + tries):
            tried = replace(candidate, seed=seed)
            same = [words for words in play(tried, make_store).breaks if _kind(words) == kind]
            if same:
                return Small(tried, same[0])
    return None


def _candidates(plan: Plan) -> Iterator[Plan]:
    """Each a little less: kinds of trouble first, then nodes and accounts, then mails."""
    yield from _fewer_settings(plan)
    yield from _calmer_nodes(plan)
    yield from _plainer_accounts(plan)
    for place in range(1, len(plan.nodes)):  # the first one accepts and works
        yield replace(plan, nodes=plan.nodes[:place] + plan.nodes[place + 1 :])
    for place in range(1, len(plan.providers)):  # the first one takes every mail
        yield replace(plan, providers=plan.providers[:place] + plan.providers[place + 1 :])
    for mails in (1, plan.mails // 4, plan.mails // 2, plan.mails - 1):
        if 0 < mails < plan.mails:
            yield replace(plan, mails=mails)


def _fewer_settings(plan: Plan) -> Iterator[Plan]:
    for name in ("extremes", "sink_fails", "store_s", "hurry", "operators", "projects"):
        if getattr(plan, name) != getattr(DEFAULTS, name):
            yield replace(plan, **{name: getattr(DEFAULTS, name)})
    for kind in sorted({kind for provider in plan.providers for kind in provider.faults}):
        yield replace(plan, providers=tuple(_without(provider, kind) for provider in plan.providers))


def _calmer_nodes(plan: Plan) -> Iterator[Plan]:
    for name in Weather.__struct_fields__:
        if any(getattr(node.weather, name) != getattr(CALM, name) for node in plan.nodes):
            calmer = {name: getattr(CALM, name)}
            nodes = tuple(replace(node, weather=replace(node.weather, **calmer)) for node in plan.nodes)
            yield replace(plan, nodes=nodes)
    if any(node.skew_s for node in plan.nodes):
        yield replace(plan, nodes=tuple(replace(node, skew_s=0.0) for node in plan.nodes))


def _plainer_accounts(plan: Plan) -> Iterator[Plan]:
    for place, provider in enumerate(plan.providers):
        plain = ProviderPlan(faults=provider.faults, script=provider.script, deaf=provider.deaf, mute=provider.mute)
        for other in (plain, replace(provider, script=None)):
            if provider != other:
                yield replace(plan, providers=(*plan.providers[:place], other, *plan.providers[place + 1 :]))


def _without(provider: ProviderPlan, kind: str) -> ProviderPlan:
    return replace(provider, faults={name: share for name, share in provider.faults.items() if name != kind})


def _kind(words: str) -> str:
    """The promise, whichever mail and account it was broken with."""
    return re.sub(r"em_\w+(\.\d+)?|mail-\d+|\bp\d\b|[\d.]+|\(.*\)", "_", words)
