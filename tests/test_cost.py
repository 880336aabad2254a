"""What the page about cost says is what its figures and prices come to."""

import copy
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import make_docs  # noqa: E402  tools are no package of ours
from pages import cost, cost_sums  # noqa: E402

SIMPLE = {
    "hours": 100,
    "retention_days": 60,
    "prices": {
        name: [1.0, name, ""]
        for name in (
            "rest_calls",
            "http_calls",
            "function_calls",
            "function_gb_s",
            "write_units",
            "read_units",
            "table_gb",
            "backup_gb",
            "queue_calls",
            "stream_puts",
            "log_gb",
            "database_gb",
            "shard_h",
            "keys",
            "nat_h",
            "nat_gb",
        )
    },
    "standing": {"least": {"shard_h": 1, "keys": 2}, "prod": {"nat_h": 1}, "containers": {"keys": 1}},
    "assumed": {"memory_mb": 1769, "table_ms": 10, "provider_ms": 100, "mail_bytes": 1000, "access_log_bytes": 100},
    "measured": {
        "events": 3,
        "table_bytes": 1000,
        "log_bytes": 400,
        "idle_read_units": 0,
        "functions": {
            "send_email": {"cpu_ms": 50, "table_calls": 5, "hands_over": True},
            "idle": {"cpu_ms": 0, "table_calls": 0, "hands_over": False},
        },
        "original": {
            "functions": ["send_email"],
            "function_calls": 1,
            "queue_calls": 0,
            "write_units": 20,
            "read_units": 4,
        },
    },
}


@pytest.fixture
def costs():
    return cost_sums.Costs(copy.deepcopy(SIMPLE))


def test_the_committed_page_is_that_of_its_figures():
    assert cost.PAGE.read_text() == make_docs.COST_NOTE + cost.page(), "run make docs"


def test_a_million_mails_are_the_sum_of_their_parts(costs):
    gb_s = 1769 / 1024 * 0.200 * 1_000_000  # 50 ms of CPU, 5 calls of 10 ms, 100 ms of waiting
    used = {line.price: line.quantity for line in costs.of_mails("original", 1_000_000)}
    assert used.pop("function_gb_s") == pytest.approx(gb_s)
    assert used == {
        "rest_calls": 1,
        "function_calls": 1,
        "write_units": 20,
        "read_units": 4,
        "table_gb": 2,  # a GB a month, for two months
        "backup_gb": 2,
        "queue_calls": 0,
        "stream_puts": 3,
        "log_gb": 0.5,
    }
    assert costs.total(costs.of_mails("original", 1_000_000)) == pytest.approx(gb_s + sum(used.values()))


def test_less_memory_stretches_time_on_the_cpu_and_no_waiting(costs):
    costs.inputs["assumed"]["memory_mb"] = 1769 / 2
    assert costs.gb_s("send_email", 1000) == pytest.approx(1769 / 2 / 1024 * (0.100 + 0.150) * 1000)


def test_a_start_is_billed_as_work_is(costs):
    costs.inputs["assumed"]["memory_mb"] = 512
    assert costs.billed_gb_s(170, 0, 1_000_000) == pytest.approx(0.5 * 0.170 * 1769 / 512 * 1_000_000)


def test_what_stands_still_is_paid_by_the_hour_or_by_the_month(costs):
    clock = 2 * 100 * 60 / 1_000_000  # calls of deliver and relay in a month of a hundred hours, by the million
    assert costs.total(costs.standing("least")) == pytest.approx(100 + 2 + clock)
    assert costs.total(costs.standing("containers")) == 1


def test_what_passes_a_network_is_paid_for(costs):
    by_network = costs.month("prod", "original", 1_000_000) - costs.month("prod", "original", 0)
    assert by_network - costs.total(costs.of_mails("original", 1_000_000)) == pytest.approx(1)


def test_every_price_has_its_page_and_is_used():
    inputs = cost_sums.load().inputs
    assert [
        name for name, price in inputs["prices"].items() if not price[2].startswith("https://aws.amazon.com/")
    ] == []
    source = Path(cost_sums.__file__).read_text() + Path(cost.__file__).read_text()
    named = set(re.findall(r'"(\w+)"', source)) | {name for shape in inputs["standing"].values() for name in shape}
    assert set(inputs["prices"]) - named == set()
