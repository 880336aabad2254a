"""Figures for CloudWatch, by the rules of the embedded metric format's specification."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.engine.console import AccountStatus
from everpost.entrypoints.emf import UNITS, Facts, lines
from everpost.model.account import Account, AccountHealth, Circuit, CircuitState, Look, Records
from everpost.model.delivery import DeliveryState
from everpost.store.port import Counts

NOW = 1_800_000_000.25
CLOUDWATCH_UNITS = {"Count", "Seconds"}
TARGET_BYTES_MAX = 256 * 1024  # of one event of a log


def status(name, state=CircuitState.CLOSED, missing=0):
    records = Records(looks=(Look("m", 1.0, shown=False),) * missing)
    return AccountStatus(
        account=Account(name=name, provider="sendgrid", settings={"api_key": "s3cr3t-canary"}),
        circuit=Circuit(state=state),
        health=AccountHealth(records=records),
        quota_left={},
        in_flight=0,
        is_default=False,
    )


def told(facts, function="relay"):
    return [json.loads(line) for line in lines(facts, function, NOW)]


def figures(line):
    return {metric["Name"]: line[metric["Name"]] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


ALL = Facts(
    counts=Counts(
        accepted=12,
        by_state={DeliveryState.QUEUED: 3, DeliveryState.HELD: 2, DeliveryState.SENT: 6},
        oldest_due_at=NOW - 9,
    ),
    accounts=[status("a", CircuitState.OPEN, missing=2), status("b", CircuitState.HALF_OPEN), status("c")],
    accepted=5,
    attempts={("a", "refused"): 1, ("b", "accepted"): 4, ("c", "accepted"): 2},
    webhooks={("a", "taken"): 3, ("b", "taken"): 1, ("b", "forged"): 2},
    webhook_events={("a", "joined"): 5},
    dead_letters=1,
    sink_lags={"kinesis:trail": 2.5},
)


def test_what_is_known_of_the_whole_is_one_line():
    assert figures(told(ALL)[0]) == {
        "Accepted": 5,
        "DeadLetters": 1,
        "Queued": 3,
        "Sending": 0,
        "Uncertain": 0,
        "Held": 2,
        "OldestDueAge": 9.0,
        "Unaccounted": 1,
        "AccountsOpen": 1,
        "AccountsUsable": 2,
    }


def test_accounts_outcomes_and_sinks_have_lines_of_their_own():
    found = {
        tuple(line[name] for name in line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]): figures(line)
        for line in told(ALL)[1:]
    }
    assert found == {
        ("relay", "a"): {"CircuitOpen": 1, "MailMissing": 2},
        ("relay", "b"): {"CircuitOpen": 0, "MailMissing": 0},
        ("relay", "c"): {"CircuitOpen": 0, "MailMissing": 0},
        ("relay", "kinesis:trail"): {"SinkLag": 2.5},
        ("relay", "a", "refused"): {"Attempts": 1},
        ("relay", "b", "accepted"): {"Attempts": 4},
        ("relay", "c", "accepted"): {"Attempts": 2},
        ("relay", "refused"): {"Attempts": 1},
        ("relay", "accepted"): {"Attempts": 6},
        ("relay", "a", "taken"): {"Webhooks": 3},
        ("relay", "b", "taken"): {"Webhooks": 1},
        ("relay", "b", "forged"): {"Webhooks": 2},
        ("relay", "taken"): {"Webhooks": 4},
        ("relay", "forged"): {"Webhooks": 2},
        ("relay", "a", "joined"): {"WebhookEvents": 5},
        ("relay", "joined"): {"WebhookEvents": 5},
    }


def test_what_was_not_looked_at_is_left_out():
    assert told(Facts()) == []
    assert [figures(line) for line in told(Facts(accepted=0))] == [{"Accepted": 0}]


def test_an_empty_queue_has_no_age_and_a_clock_that_went_back_makes_none_negative():
    for due_at in (None, NOW + 5):
        [line] = told(Facts(counts=Counts(accepted=0, by_state={}, oldest_due_at=due_at)))
        assert figures(line)["OldestDueAge"] == 0.0


def test_no_setting_of_an_account_is_shown():
    assert b"canary" not in b"".join(lines(ALL, "relay", NOW))


NAMES = st.text(max_size=1500)
FACTS = st.builds(
    Facts,
    counts=st.none() | st.just(ALL.counts),
    accounts=st.none() | st.lists(NAMES.map(status), max_size=3),
    accepted=st.none() | st.integers(0, 10**9),
    attempts=st.dictionaries(st.tuples(NAMES, NAMES), st.integers(1, 10**9), max_size=3),
    dead_letters=st.none() | st.integers(0, 10),
    sink_lags=st.dictionaries(NAMES, st.floats(0, 1e9), max_size=2),
)


@given(FACTS, NAMES)
def test_every_line_keeps_the_rules_of_the_specification(facts, function):
    for line in lines(facts, function, NOW):
        assert b"\n" not in line
        assert len(line) <= TARGET_BYTES_MAX
        document = json.loads(line)
        assert document["_aws"]["Timestamp"] == round(NOW * 1000)
        [directive] = document["_aws"]["CloudWatchMetrics"]
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert 1 <= len(directive["Metrics"]) <= 100
        for dimensions in directive["Dimensions"]:
            assert 1 <= len(dimensions) <= 30
            for name in dimensions:
                assert re.fullmatch(r"[\x20-\x7e]{1,1024}", document[name])
                assert document[name].strip()
        for metric in directive["Metrics"]:
            assert metric["Unit"] in CLOUDWATCH_UNITS
            assert type(document[metric["Name"]]) in (int, float)


@pytest.mark.parametrize("name", sorted(UNITS))
def test_every_figure_is_told_somewhere(name):
    assert any(name in figures(line) for line in told(ALL))
