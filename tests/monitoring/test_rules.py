"""The alert rules: what they ask for is shown, they fire when they should, and each leads to what is to be done."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from promql_kit import faults, grouping, in_template, names, samples
from system_parts import program

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "deploy" / "prometheus" / "rules.yml"
[GROUP] = yaml.safe_load(FILE.read_text())["groups"]
RULES = {rule["alert"]: rule for rule in GROUP["rules"]}
AT_END = "90m"
SECOND = "everpost_attempt_duration_seconds_count"


def histogram(name, below, steps, **more):
    """Series of one whose every observation of a minute falls below that bound."""
    about = "".join(f'{label}="{value}",' for label, value in more.items())
    series = {f'{name}_bucket{{{about}le="{bound}"}}': "0x90" if bound < below else f"0+{steps}x90" for bound in BOUNDS}
    return series | {f'{name}_bucket{{{about}le="+Inf"}}': f"0+{steps}x90"}


BOUNDS = (0.01, 0.1, 0.5, 1.0, 4.0)
COMMITS, LOOP = "everpost_store_commit_duration_seconds", "everpost_event_loop_lag_seconds"


@dataclass(frozen=True)
class Case:
    """Series, a minute a step, under which an alert stands at their end, and some under which it does not."""

    bad: dict[str, str]
    good: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)


def circuits(first, second):
    return {
        'everpost_account_circuit{account="one",state="open",instance="a"}': first,
        'everpost_account_circuit{account="two",state="open",instance="a"}': second,
    }


def attempts(failed, taken):
    return {
        f'{SECOND}{{account="one",outcome="unavailable"}}': failed,
        f'{SECOND}{{account="one",outcome="accepted"}}': taken,
    }


def quota(left, unit="day"):
    about = f'{{account="one",unit="{unit}",instance="a"}}'
    return {f"everpost_account_quota_left{about}": left, f"everpost_account_quota_limit{about}": "1000x90"}


CASES = {
    "EverpostAbsent": Case({"up": "0x90"}, {'everpost_build_info{version="1"}': "1x90"}),
    "EverpostNoAccount": Case(circuits("1x90", "1x90"), circuits("1x90", "0x90")),
    "EverpostAccountOpen": Case(circuits("1x90", "0x90"), circuits("0x87 1x3", "0x90"), {"account": "one"}),
    "EverpostMailWaits": Case(
        {'everpost_oldest_due_age_seconds{instance="a"}': "0+60x90"},
        {'everpost_oldest_due_age_seconds{instance="a"}': "59x90"},
    ),
    "EverpostAttemptsFail": Case(attempts("0+3x90", "0+7x90"), attempts("0+1x90", "0+9x90"), {"account": "one"}),
    "EverpostMailMissing": Case(
        {'everpost_account_mail_missing{account="one"}': "5x90"},
        {'everpost_account_mail_missing{account="one"}': "4x90"},
        {"account": "one"},
    ),
    "EverpostAccountSlow": Case(
        {'everpost_account_slow{account="one"}': "1x90"},
        {'everpost_account_slow{account="one"}': "0x87 1x3"},
        {"account": "one"},
    ),
    "EverpostUncertainGrows": Case(
        {'everpost_deliveries{state="uncertain",instance="a"}': "0+2x90"},
        {'everpost_deliveries{state="uncertain",instance="a"}': "50x90"},
    ),
    "EverpostHeld": Case(
        {'everpost_deliveries{state="held",instance="a"}': "3x80 4x10"},
        {'everpost_deliveries{state="held",instance="a"}': "4x90"},
    ),
    "EverpostQuotaNearlyOut": Case(quota("90x90"), quota("90x90", "second"), {"account": "one", "unit": "day"}),
    "EverpostTurnedAway": Case(
        {'everpost_http_requests_turned_away_total{instance="a"}': "0+1x90"},
        {'everpost_http_requests_turned_away_total{instance="a"}': "7x90"},
    ),
    "EverpostSinkLags": Case(
        {'everpost_sink_lag_seconds{sink="stdout"}': "0+60x90"},
        {'everpost_sink_lag_seconds{sink="stdout"}': "200x90"},
        {"sink": "stdout"},
    ),
    "EverpostDeadLetters": Case(
        {'everpost_sink_dead_letters_total{sink="stdout"}': "0x80 1x10"},
        {'everpost_sink_dead_letters_total{sink="stdout"}': "1x90"},
        {"sink": "stdout"},
    ),
    "EverpostStoreSlow": Case(histogram(COMMITS, 4.0, 5), histogram(COMMITS, 0.5, 5)),
    "EverpostLoopLate": Case(
        histogram(LOOP, 1.0, 5, instance="a"), histogram(LOOP, 0.1, 5, instance="a"), {"instance": "a"}
    ),
    "EverpostUnaccounted": Case(
        {'everpost_deliveries_unaccounted{instance="a"}': "0x80 -1x10"},
        {'everpost_deliveries_unaccounted{instance="a"}': "0x90"},
    ),
}


@pytest.mark.parametrize("alert", RULES)
def test_what_a_rule_asks_for_is_what_a_server_shows(alert):
    assert faults(RULES[alert]["expr"]) == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("everpost_nothing > 1", "no metric everpost_nothing"),
        ('max(everpost_deliveries{status="held"})', "everpost_deliveries has no label status"),
        ('max(everpost_deliveries{state="lost"})', "state is never lost"),
        ('everpost_account_circuit{state="held"}', "state is never held"),
        ("sum by (sink) (everpost_deliveries)", "grouped by sink"),
        ("rate(everpost_deliveries[5m])", "rate of everpost_deliveries"),
        ("delta(everpost_wakeups_total[5m])", "delta of everpost_wakeups_total"),
        ("max(everpost_wakeups)", "no metric everpost_wakeups"),
    ],
)
def test_what_no_server_shows_would_be_found(expression, fault):
    assert faults(expression) == [fault]


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_names_only_labels_that_it_has(alert):
    rule = RULES[alert]
    assert in_template(" ".join(rule["annotations"].values())) <= grouping(rule["expr"])


@pytest.mark.parametrize("alert", RULES)
def test_every_alert_leads_to_a_heading_that_says_what_to_do(alert):
    page, _, anchor = RULES[alert]["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_rules_ask_only_for_what_is_ours():
    asked = set().union(*(names(rule["expr"]) for rule in RULES.values()))
    assert asked <= samples().keys()
    assert {rule["labels"]["severity"] for rule in RULES.values()} == {"warning", "critical"}


def test_every_alert_fires_when_it_should_and_only_then(tmp_path):
    """By Prometheus's own judge."""
    assert CASES.keys() == RULES.keys()
    file = tmp_path / "rules_test.yml"
    tests = [told for alert, case in CASES.items() for told in _told(alert, case)]
    file.write_text(yaml.safe_dump({"rule_files": [str(FILE)], "evaluation_interval": "1m", "tests": tests}))
    judged = subprocess.run(
        [program("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


def _told(alert, case):
    rule = RULES[alert]
    fires = {
        "exp_labels": rule["labels"] | case.labels,
        "exp_annotations": {name: _filled(text, case.labels) for name, text in rule["annotations"].items()},
    }
    for series, expected in ((case.bad, [fires]), (case.good, [])):
        yield {
            "name": alert,
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "alert_rule_test": [{"eval_time": AT_END, "alertname": alert, "exp_alerts": expected}],
        }


def _filled(text, labels):
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)
