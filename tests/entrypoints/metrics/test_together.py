"""Several processes at one port: a scraper reaches any of them, and is told of all."""

import os
import signal
import subprocess
from contextlib import contextmanager

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from attacks.house import MAIL, Served, served, until
from server_kit import API_ACCOUNTS

MAILS = 12

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("many"), API_ACCOUNTS, words=("--processes", "3")) as house:
        yield house


def scraped(house: Served):
    text = house.ask("GET", "/metrics").body.decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def total(family, ending):
    return sum(sample.value for sample in family.samples if sample.name.endswith(ending))


def children(house):
    told = subprocess.run(["pgrep", "-P", str(house.process.pid)], capture_output=True, text=True, check=True)
    return [int(line) for line in told.stdout.split()]


def handed_over(house):
    return total(scraped(house)["everpost_hand_over_delay_seconds"], "_count")


@contextmanager
def alone(house, child):
    """The other processes are frozen meanwhile: this one answers."""
    others = [each for each in children(house) if each != child]
    for each in others:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in others:
            os.kill(each, signal.SIGCONT)


def test_whoever_answers_tells_what_all_have_done(house):
    for _ in range(MAILS):
        assert house.ask("POST", "/v1/emails", MAIL, [("Prefer", "wait=20")]).json["state"] == "sent"
    for child in children(house):
        with alone(house, child):
            families = scraped(house)
        assert total(families["everpost_emails_accepted"], "_total") == MAILS
        assert total(families["everpost_attempt_duration_seconds"], "_count") == MAILS
        assert families["everpost_attempt_duration_seconds"].type == "histogram"
        assert families["everpost_attempt_duration_seconds"].unit == "seconds"
        assert total(families["everpost_deliveries"], "") == MAILS


def test_what_a_process_has_counted_outlives_it(house):
    before = handed_over(house)
    assert before
    [victim, *_] = children(house)
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in children(house))
    assert handed_over(house) == before
    assert house.ask("POST", "/v1/emails", MAIL, [("Prefer", "wait=20")]).json["state"] == "sent"
    assert handed_over(house) == before + 1
