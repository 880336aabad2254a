"""The page tells what was measured, and nothing else."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import goals
import page
from results import KEPT, Measured, Table, Told, circumstances, kept, merge, number, spread

DOCS = Path(__file__).parents[2] / "docs"


def part(**values):
    told = Told(how="so")
    for key, value in values.items():
        told.add(key, f"the {key}", value, "mails/s")
    return told


def around(load=0.0):
    return circumstances(datetime.now(UTC), load, quick=False)


def judged(**parts):
    return {each.goal.key: each for each in goals.judged({name: kept(told, around()) for name, told in parts.items()})}


@pytest.mark.parametrize(("value", "verdict"), [(1999.9, "not met"), (2000, "met"), (5000, "met")])
def test_a_goal_at_least_is_met_from_its_bound_on(value, verdict):
    assert judged(peers=part(rate=value))["rate"].verdict == verdict


@pytest.mark.parametrize(("value", "verdict"), [(0.59, "met"), (0.6, "met"), (0.61, "not met")])
def test_a_goal_at_most_is_met_up_to_its_bound(value, verdict):
    assert judged(peers=part(cpu=value))["cpu"].verdict == verdict


def test_a_goal_that_was_not_measured_says_why():
    told = part(rate=1)
    told.missing = {"Postfix": "postfix is not installed", "retry_after": "nothing was rejected"}
    found = judged(peers=told, overload=told)
    assert found["rate_times_postfix"].verdict == "not measured: postfix is not installed"
    assert found["retry_after"].verdict == "not measured: nothing was rejected"
    assert found["cpu_growth"].verdict == "not measured: this part was not run"
    assert found["cpu"].verdict == "not measured: there was nothing to measure"


def test_a_busy_machine_is_told_beside_the_verdict():
    told = kept(part(rate=5000, cpu=5), around(load=1000.0))
    verdicts = {each.goal.key: each.verdict for each in goals.judged({"peers": told})}
    assert (verdicts["rate"], verdicts["cpu"]) == ("met, on a busy machine", "not met, on a busy machine")


def test_every_goal_has_one_bound_and_a_place_of_its_own():
    assert [goal.key for goal in goals.GOALS if (goal.at_least is None) == (goal.at_most is None)] == []
    assert len({(goal.part, goal.key) for goal in goals.GOALS}) == len(goals.GOALS)


def test_the_page_tells_goals_tables_and_what_is_missing():
    told = part(rate=2345.6)
    told.tables = [Table("Beside others", ["system", "mails/s"], [["Everpost", "2,346"]], "- of one run")]
    told.missing = {"Postfix": "not here"}
    text = page.page({"peers": kept(told, around())})
    assert "| end to end: accept to stored outcome | 2,346 mails/s | at least 2,000 mails/s | met |" in text
    assert "### Beside others\n\n| system | mails/s |\n|---|---:|\n| Everpost | 2,346 |\n" in text
    assert "- of one run" in text
    assert "- Not measured: Postfix: not here." in text


def test_a_later_run_of_one_part_leaves_the_others(tmp_path):
    file = tmp_path / "deeper" / "results.json"
    merge({"peers": kept(part(rate=1), around()), "alone": kept(part(rate=2), around())}, file)
    merge({"peers": kept(part(rate=3), around())}, file)
    whole = json.loads(file.read_text())
    assert {name: each["values"][0]["value"] for name, each in whole.items()} == {"alone": 2, "peers": 3}


def test_the_page_in_docs_is_the_one_that_the_kept_results_give(tmp_path):
    page.write(json.loads(KEPT.read_text()), tmp_path)
    written = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(written) > 1
    assert {name: (DOCS / name).read_text() for name in written} == written


def test_numbers_have_the_digits_that_mean_something():
    assert [number(value) for value in (0.004, 1.234, 12.34, 123.4, 12345.6)] == [
        "0.00",
        "1.23",
        "12.3",
        "123",
        "12,346",
    ]
    assert [number(count) for count in (0, 7, 1234567)] == ["0", "7", "1,234,567"]
    assert spread([3.0, 1.0, 200.0]) == "1.00 to 200"


def test_a_value_is_kept_as_it_was_measured():
    told = part(rate=1.25)
    assert told.values == [Measured("rate", "the rate", 1.25, "mails/s")]
    assert kept(told, around())["values"] == [
        {"key": "rate", "what": "the rate", "value": 1.25, "unit": "mails/s"},
    ]
