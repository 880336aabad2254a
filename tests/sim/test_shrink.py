import re
import shlex

import msgspec
import pytest

from sim import __main__ as program
from sim import mutants
from sim.draw import draw
from sim.plan import Plan
from sim.scenario import play, run
from sim.shrink import replay, shrunk
from sim.stores import STORES

MAILS = 60


def only_loses_answers(seed: int) -> bool:
    """Nodes that are killed, frozen or replaced in mid-send lose them, too, and take more to be made small."""
    drawn = draw(seed, MAILS)
    weathers = [node.weather for node in drawn.nodes]
    is_calm = not any(each.crash_every_s or each.freeze_every_s or each.deploy_every_s for each in weathers)
    return is_calm and any(provider.faults.get("accept_reset") for provider in drawn.providers)


def test_a_seed_that_fails_is_made_as_small_as_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is what the fault needs: an answer that is lost, and somebody who takes that for a failure."""
    mutants.take_an_unknown_outcome_for_a_failure(monkeypatch)
    seed = next(
        seed for seed in range(1, 200) if only_loses_answers(seed) and run(seed, STORES["memory"], MAILS).breaks
    )
    small, drawn = shrunk(seed, STORES["memory"], MAILS), draw(seed, MAILS)
    assert small is not None
    assert re.search(r"(handed over|taken) \d times", small.words)
    assert small.plan.mails <= 5 < drawn.mails
    assert len(small.plan.nodes) == 1
    assert sum(len(provider.faults) for provider in small.plan.providers) <= 1


def test_what_is_left_can_be_played_again_by_the_command_that_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    mutants.trust_the_first_absence(monkeypatch)
    plan = draw(1, 30)
    *_, printed = shlex.split(replay(plan, "memory"))
    assert msgspec.json.decode(printed, type=Plan) == plan
    again = play(msgspec.json.decode(printed, type=Plan), STORES["memory"])
    assert again.trace_hash == play(plan, STORES["memory"]).trace_hash


def test_the_program_plays_each_seed_twice_and_tells_figures(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--seeds", "2", "--first-seed", "1", "--mails", "20", "--jobs", "1", "--doublecheck"]
    assert program.main(words) == 0
    told = capsys.readouterr().out
    assert "2 runs (2 over memory), 0 broke a promise" in told
    assert "mails a second of one core" in told
    assert "never seen: " in told


def test_the_program_fails_with_a_seed_that_breaks_a_promise(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutants.put_off_for_a_week(monkeypatch)
    assert program.main(["--shrink", "1", "--mails", "20", "--store", "memory"]) == 1
    assert "still queued at the end" in capsys.readouterr().out
