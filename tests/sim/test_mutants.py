import re

import pytest

from sim.mutants import MUTANTS, Mutant
from sim.mutants_far import FAR_MUTANTS
from sim.scenario import run
from sim.stores import STORES

MAILS = 100
SEEDS = 100  # within so many seeds every mutant must have been caught


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mutant", "words", "first", "store"),
    [*((*one, "memory") for one in MUTANTS), *((*one, "dynamodb") for one in FAR_MUTANTS)],
    ids=[f"{mutant.__name__}-{words[:20]}" for mutant, words, _ in (*MUTANTS, *FAR_MUTANTS)],
)
def test_the_checker_catches_an_everpost_that_would(
    mutant: Mutant, words: str, first: int, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checker that can't fail proves nothing. `first`: the seed that caught it when it was written."""
    mutant(monkeypatch)
    seeds = dict.fromkeys([first, *range(1, SEEDS + 1)])
    told = (words_ for seed in seeds for words_ in run(seed, STORES[store], MAILS).breaks)
    assert any(re.search(words, words_) for words_ in told)
