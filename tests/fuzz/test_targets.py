"""Every target keeps its promises for its corpus and for what a fixed chance makes of it; `make fuzz` looks further."""

from random import Random

import pytest

from fuzz.mutation import mutated
from fuzz.targets import CORPUS, NAMES, check_of, corpus_of

INPUTS = 250  # of each target


def test_every_target_has_a_corpus_and_every_corpus_a_target():
    assert sorted(folder.name for folder in CORPUS.iterdir()) == NAMES
    assert [name for name in NAMES if len(corpus_of(name)) < 3] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_promises_hold_for_all_that_is_kept(name):
    check_promises = check_of(name)
    for data in corpus_of(name):
        check_promises(data)


@pytest.mark.parametrize("name", NAMES)
def test_the_promises_hold_for_what_chance_makes_of_it(name, fuzz_inputs):
    check_promises, corpus = check_of(name), corpus_of(name)
    for seed in range(fuzz_inputs):
        data = mutated(Random(seed), corpus)
        try:
            check_promises(data)
        except Exception as broken:
            raise AssertionError(f"input {seed} of {name}: {data[:3000]!r}") from broken
