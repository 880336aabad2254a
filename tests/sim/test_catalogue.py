"""Every outage of the catalogue, with a healthy account behind the one that fails."""

from functools import cache

import pytest

from everpost.model.delivery import DeliveryState
from everpost.model.event import EventType
from everpost.model.message import OnUnknown
from sim.catalogue import SCRIPTS
from sim.plan import NodePlan, Plan, ProviderPlan
from sim.report import Report
from sim.scenario import play
from sim.stores import STORES
from sim.world import World

SEEDS = (1, 2, 3)
MAILS = 100


@cache
def played(name: str, seed: int) -> tuple[Report, World]:
    script = SCRIPTS[name]
    first = ProviderPlan(script=name, latency="sendgrid", paged=seed % 2 == 0)
    node = NodePlan(weather=script.weather)
    plan = Plan(
        seed=seed, mails=MAILS, on_unknown=OnUnknown.RESEND, providers=(first, script.second), nodes=(node, node)
    )
    worlds: list[World] = []
    report = play(plan, STORES["memory"], worlds.append)
    return report, worlds[0]


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_outage_that_has_happened_leaves_each_mail_handed_over_once(name: str, seed: int) -> None:
    script = SCRIPTS[name]
    report, world = played(name, seed)
    assert report.breaks == []
    for id_, trail in world.witness.trails.items():
        if trail.state is not DeliveryState.SENT:
            assert trail.state is DeliveryState.CANCELLED or trail.was_suppressed or trail.has_expired
        elif script.within_s is not None and _is_certain(trail) and trail.send_at is None:
            assert world.taken_at[id_] - trail.accepted_at <= script.within_s, f"{id_} was late"


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_outage_meets_the_mails_with_what_it_is_made_of(name: str) -> None:
    """In one of its runs: what one mail meets is up to chance."""
    seen = {what.removeprefix("p0 ") for seed in SEEDS for what in played(name, seed)[0].seen}
    assert set(SCRIPTS[name].meets) <= seen


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_provider_has_accepted_and_lost_is_told_as_handed_over_and_not_sent_again(seed: int) -> None:
    name = "mailgun_2016_03_23_accepted_never_stored"
    report, world = played(name, seed)
    dropped = world.providers["p0"].dropped
    assert dropped
    assert report.breaks == []
    assert {world.witness.trails[id_].state for id_ in dropped} == {DeliveryState.SENT}
    assert {world.handed_over()[id_] for id_ in dropped} == {1}


def test_a_grey_outage_shows_by_what_is_no_longer_told_and_nothing_is_sent_again() -> None:
    """A provider that tells what becomes of mail falls silent: it gets little until it tells again."""
    worlds: list[World] = []
    name, tells = "mailgun_2016_03_23_accepted_never_stored", {"late": 0.02, "twice": 0.1}
    first, second = ProviderPlan(script=name, tells=tells), ProviderPlan(latency="postmark", tells=tells)
    plan = Plan(seed=1, mails=1500, storm_s=3 * 3600.0, providers=(first, second), nodes=(NodePlan(),))
    report = play(plan, STORES["memory"], worlds.append)
    assert report.breaks == []
    assert {"account.degraded", "account.recovered", "nothing is told of a mail"} <= set(report.seen)
    taken = [sum(provider.taken.values()) for provider in worlds[0].providers.values()]
    assert taken[1] > taken[0] / 4  # of the time of the outage


def test_a_mail_waits_rather_than_leave_through_an_account_that_may_not_send_for_its_domain() -> None:
    name = "ses_2023_01_paused_and_the_other_lacks_the_domain"
    accounts = set()
    for seed in SEEDS:
        report, _ = played(name, seed)
        assert report.breaks == []
        accounts |= {
            (stored.message.sender.email.partition("@")[2], stored.deliveries[0].account)
            for stored in report.stored.values()
            if stored.deliveries[0].state is DeliveryState.SENT
            and any(event.event.type is EventType.DEFERRED for event in stored.events)
        }
    assert accounts == {("example.com", "p1"), ("other.example", "p0")}


def _is_certain(trail) -> bool:
    return all(event.type is not EventType.UNCERTAIN for event in trail.events)
