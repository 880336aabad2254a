import json
import subprocess
import sys

import pytest

from everpost.entrypoints.cli.demo import PHASES, Phase, count
from everpost.entrypoints.dev.tally import Sent

PHASE = Phase("works", [Sent("em_a", 10.0, 1.0), Sent("em_b", 10.0, 2.0), Sent(None, 10.0, 9.0)])


def caught(message, provider="mailgun", at=10.5):
    return {"delivery_id": f"{message}.0", "provider": provider, "received_at": at}


def test_a_mail_is_counted_by_what_the_providers_caught():
    result = count(PHASE, [caught("em_a"), caught("em_b", "sendgrid", 11.0), caught("em_other")])
    assert (result.mails, result.acknowledged, result.lost, result.duplicated) == (3, 2, 0, 0)
    assert result.sent_by == {"mailgun": 1, "sendgrid": 1}
    assert (result.acknowledged_p50_ms, result.acknowledged_p99_ms) == (1.0, 2.0)
    assert (result.handed_over_p50_ms, result.handed_over_p99_ms) == (500.0, 1000.0)
    assert not result.is_good  # one was not acknowledged


def test_a_mail_that_nobody_caught_is_lost():
    result = count(Phase("works", PHASE.sent[:2]), [caught("em_a")])
    assert (result.lost, result.is_good) == (1, False)


def test_a_mail_that_was_caught_twice_is_a_duplicate_even_at_two_providers():
    mails = [caught("em_a"), caught("em_a", "sendgrid"), caught("em_b")]
    result = count(Phase("works", PHASE.sent[:2]), mails)
    assert (result.duplicated, result.is_good) == (1, False)


def test_all_caught_once_is_good():
    assert count(Phase("works", PHASE.sent[:2]), [caught("em_a"), caught("em_b")]).is_good


def test_mail_of_strangers_is_not_counted():
    stranger = {"delivery_id": None, "provider": "mailgun", "received_at": 1.0}
    assert count(Phase("works", PHASE.sent[:2]), [caught("em_a"), caught("em_b"), stranger]).is_good


@pytest.mark.slow
def test_the_demo_loses_nothing_and_sends_nothing_twice():
    words = [sys.executable, "-m", "everpost.entrypoints.cli", "demo", "--mails", "40", "--json"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=110)
    report = json.loads(ended.stdout)
    assert ended.returncode == 0, report
    *phases, recovering = report["phases"]
    assert [phase["first_provider"] for phase in phases] == [part.title for part in PHASES]
    for phase in phases:
        assert (phase["acknowledged"], phase["lost"], phase["duplicated"]) == (40, 0, 0)
        assert sum(phase["sent_by"].values()) == 40
    assert phases[0]["sent_by"] == phases[-1]["sent_by"] == {"mailgun": 40}
    assert phases[1]["sent_by"] == {"sendgrid": 40}
    assert (recovering["lost"], recovering["duplicated"]) == (0, 0)
