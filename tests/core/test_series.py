"""Events become figures once each, however they are cut into batches and whatever is told again."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.core.ranges import PLANS, names_of, series_of, starts_of
from everpost.core.series import (
    HOURS,
    MINUTES,
    QUARTERS,
    TIERS,
    Bucket,
    Name,
    Page,
    add,
    latencies,
    packed,
    pages_of,
    quantile_ms,
    sampled,
    tallied,
    unpacked,
)
from everpost.model.event import Event, EventType, Recorded
from everpost.model.limits import SERIES_ACCOUNTS_MAX
from everpost.model.series import OTHERS, Count, Range
from store_values import NOW

ITEM_BYTES_MAX = 400_000  # what DynamoDB takes, and some room


def event(type_, account="a", project="shop", at=NOW, **data):
    return Event(id="e", type=type_, at=at, project=project, account=account, data=data)


def trail(*events):
    return [Recorded(seq, each) for seq, each in enumerate(events, start=1)]


def counted(*events):
    """The counts of one minute, by account."""
    [bucket] = tallied(trail(*events)).values()
    return bucket.accounts


def answer(type_, outcome, ms=100.0, **more):
    return event(type_, outcome=outcome, latency_ms=ms, **more)


def without_latencies(counts):
    return {name: number for name, number in counts.items() if not name.startswith("ms")}


@pytest.mark.parametrize(
    ("told", "of_account", "of_project"),
    [
        (event(EventType.ACCEPTED, account=None), {}, {"accepted": 1}),
        (event(EventType.ATTEMPTED, number=1, why="x"), {"attempts": 1}, {}),
        (answer(EventType.SENT, "accepted"), {"sent": 1}, {"sent": 1}),
        (answer(EventType.HELD, "held"), {"held": 1}, {"held": 1}),
        (answer(EventType.FAILED, "rejected"), {"rejected": 1}, {"failed": 1}),
        (event(EventType.FAILED, account=None, code="expired"), {}, {"failed": 1}),
        (answer(EventType.DEFERRED, "throttled"), {"throttled": 1}, {}),
        (event(EventType.DEFERRED, account=None, reason="no account"), {}, {}),
        (answer(EventType.UNCERTAIN, "unknown"), {"unknown": 1}, {}),
        (event(EventType.RESOLVED, verdict="found"), {"found": 1}, {}),
        (event(EventType.RESOLVED, verdict="absent"), {}, {}),
        (event(EventType.SENT, provider_message_id="x"), {}, {"sent": 1}),
        (event(EventType.CANCELLED, account=None, by="x"), {}, {"cancelled": 1}),
        (event(EventType.RECIPIENT_DELIVERED), {"delivered": 1}, {}),
        (event(EventType.RECIPIENT_BOUNCED), {"bounced": 1}, {}),
        (event(EventType.RECIPIENT_OPENED), {}, {}),
        (event(EventType.ACCOUNT_OPENED), {"opened": 1}, {}),
        (event(EventType.KEY_CREATED, account=None), {}, {}),
    ],
    ids=lambda value: value.type.value if isinstance(value, Event) else "",
)
def test_each_event_counts_for_its_account_and_its_project(told, of_account, of_project):
    found = tallied(trail(told)).values()
    accounts = next(iter(found)).accounts if found else {}
    assert without_latencies(accounts.get("a", {})) == of_account
    assert accounts.get("", {}) == of_project


def test_a_failover_counts_for_both_accounts():
    accounts = counted(event(EventType.ATTEMPTED, account="b", number=2, why="x", after="a"))
    assert accounts == {"b": {"attempts": 1, "failovers_to": 1}, "a": {"failovers_from": 1}}


def test_what_a_provider_tells_late_counts_when_it_is_told():
    late = event(EventType.RECIPIENT_DELIVERED, at=NOW - 86_400, received_at=NOW)
    assert list(tallied(trail(late))) == [("shop", int(NOW // 60))]


# --- pages ------------------------------------------------------------------------------------------------------------

_TYPES = st.sampled_from(
    [
        lambda **told: event(EventType.ACCEPTED, **told | {"account": None}),
        lambda **told: event(EventType.ATTEMPTED, number=1, why="x", **told),
        lambda **told: event(EventType.ATTEMPTED, number=2, why="x", after="c", **told),
        lambda **told: answer(EventType.SENT, "accepted", 20.0, **told),
        lambda **told: answer(EventType.DEFERRED, "unavailable", 3000.0, **told),
        lambda **told: event(EventType.RECIPIENT_DELIVERED, received_at=told["at"], **told),
    ]
)
_EVENTS = st.lists(
    st.builds(
        lambda make, account, project, ago_s: make(account=account, project=project, at=NOW - ago_s),
        _TYPES,
        st.sampled_from("ab"),
        st.sampled_from(["shop", "bank"]),
        st.floats(0, 4 * 3600) | st.floats(0, 6 * 86_400),
    ),
    min_size=1,
    max_size=40,
)


class Shelf:
    """Pages as a store has them, and one who counts: he may die after any write."""

    def __init__(self):
        self.pages = {}
        self.place = 0

    def count(self, told, batch, writes_left):
        """The next batch; False: he died before the end of it."""
        events = [each for each in told if each.seq > self.place][:batch]
        whole = tallied(events)
        for name in sorted(pages_of(whole, NOW), key=repr):
            page = unpacked(self.pages[name]) if name in self.pages else Page()
            fresh = whole if page.seq <= self.place else tallied(each for each in events if each.seq > page.seq)
            if not add(page, name, fresh):
                continue
            if writes_left == 0:
                return False
            writes_left -= 1
            page.seq = events[-1].seq
            self.pages[name] = packed(page)
        if writes_left == 0:
            return False
        self.place = events[-1].seq
        return True

    @property
    def figures(self):
        return {name: unpacked(value).buckets for name, value in self.pages.items()}


@given(_EVENTS, st.lists(st.tuples(st.integers(1, 15), st.integers(0, 6)), max_size=12))
def test_whoever_dies_when_and_however_events_are_cut_into_batches_each_counts_once(events, lives):
    told, once, interrupted = trail(*events), Shelf(), Shelf()
    assert once.count(told, len(told), 10_000)
    for batch, writes in lives:
        if interrupted.place < len(told):
            interrupted.count(told, batch, writes)
    while interrupted.place < len(told):
        assert interrupted.count(told, 7, 10_000)
    assert interrupted.figures == once.figures


@given(_EVENTS, st.sampled_from(Range))
def test_the_sums_of_a_range_are_those_of_its_events(events, range_):
    told, shelf = trail(*events), Shelf()
    shelf.count(told, len(told), 10_000)
    names = names_of(range_, "shop", NOW)
    series = series_of(range_, [(name, Page(0, shelf.figures.get(name, {}))) for name in names], NOW)
    first = starts_of(range_, NOW)[0]
    shown = [each for each in events if each.project == "shop" and each.at // 60 * 60 >= first]
    accepted = [each for each in shown if each.type is EventType.ACCEPTED]
    assert sum(series.counts[Count.ACCEPTED]) == len(accepted)
    for account in series.accounts:
        begun = [each for each in shown if each.type is EventType.ATTEMPTED and each.account == account.name]
        assert sum(account.counts[Count.ATTEMPTS]) == len(begun)
        assert len(account.p50_ms) == len(series.starts) == PLANS[range_].buckets


def test_a_project_sees_its_own_figures_and_what_is_everybodys():
    tally = tallied(trail(event(EventType.ACCEPTED, project="bank"), event(EventType.ACCOUNT_OPENED, project="")))
    names = set(names_of(Range.HOUR, "shop", NOW))
    assert {name.project for name in pages_of(tally | sampled(9.0, NOW), NOW) & names} == {""}


def test_a_tier_forgets_what_is_too_old_for_it():
    old = tallied(trail(event(EventType.ACCEPTED, at=NOW - 2 * 86_400)))
    assert {name.tier for name in pages_of(old, NOW)} == {HOURS}
    assert pages_of(tallied(trail(event(EventType.ACCEPTED, at=NOW - 40 * 86_400))), NOW) == set()


def test_every_range_finds_its_time_in_pages_that_are_kept():
    for range_, plan in PLANS.items():
        assert plan.bucket_s % plan.tier.bucket_s == 0
        assert plan.bucket_s * plan.buckets <= plan.tier.kept_s, range_
        assert len(names_of(range_, "shop", NOW)) <= 30
    assert all(tier.page_s % tier.bucket_s == 0 for tier in TIERS)
    assert QUARTERS.bucket_s % MINUTES.bucket_s == 0


def test_accounts_beyond_the_limit_are_counted_together():
    page, name = Page(), Name(HOURS, HOURS.index(NOW), "shop")
    events = [event(EventType.ATTEMPTED, account=f"a{number}") for number in range(SERIES_ACCOUNTS_MAX + 5)]
    for each in events:
        add(page, name, tallied(trail(each)))
    add(page, name, tallied(trail(event(EventType.ATTEMPTED, account="a0"))))
    [bucket] = page.buckets.values()
    assert bucket.accounts[OTHERS] == {"attempts": 5}
    assert bucket.accounts["a0"] == {"attempts": 2}
    assert len(bucket.accounts) == SERIES_ACCOUNTS_MAX + 1


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
def test_a_page_full_of_figures_is_small_enough_for_every_store(tier):
    luck = random.Random(1)
    names = [*(f"an-account-with-a-name-{number}" for number in range(SERIES_ACCOUNTS_MAX)), OTHERS, ""]
    bins = [f"ms{place}" for place in range(len(latencies({})))]
    page = Page(
        buckets={
            tier.index(NOW) * tier.page_s // tier.bucket_s + place: Bucket(
                accounts={
                    name: {count: luck.randrange(10_000) for count in [*Count, *luck.sample(bins, 24)]}
                    for name in names
                }
            )
            for place in range(tier.page_s // tier.bucket_s)
        }
    )
    assert len(packed(page)) < ITEM_BYTES_MAX


# --- latency ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(1.0, 60_000.0), min_size=1, max_size=60), st.sampled_from([0.5, 0.99]))
def test_a_quantile_is_off_by_a_fifth_at_most(times, part):
    counts = counted(*(answer(EventType.SENT, "accepted", ms) for ms in times))["a"]
    told = quantile_ms(latencies(counts), part)
    exact = sorted(times)[max(0, -(-len(times) * part // 1).__int__() - 1)]
    assert exact / 1.2 <= told <= exact * 1.2


def test_no_answers_have_no_quantile():
    assert quantile_ms(latencies({}), 0.5) is None


def test_rejected_mail_says_nothing_against_an_account():
    events = (
        answer(EventType.SENT, "accepted"),
        answer(EventType.FAILED, "rejected"),
        answer(EventType.DEFERRED, "refused"),
    )
    name = Name(MINUTES, MINUTES.index(NOW), "shop")
    page = Page()
    add(page, name, tallied(trail(*events)))
    [account] = series_of(Range.HOUR, [(name, page)], NOW).accounts
    assert account.whole.success_share == account.success_share[-1] == 0.5
