"""Changes that several callers want at once, for stores that write many of them by one statement."""

from collections.abc import Sequence
from itertools import islice

from everpost.model.change import Change
from everpost.store.port import Written


def of_different_deliveries(changes: Sequence[Change]) -> Sequence[Change]:
    """As many of the first ones as can be written at once."""
    seen: set[str] = set()
    for count, one in enumerate(changes):
        if one.delivery.id in seen:
            return changes[:count]
        seen.add(one.delivery.id)
    return changes


def by_caller(results: Sequence[Written], asked: Sequence[Sequence[Change]]) -> list[list[Written]]:
    """What became of the changes that each of them has asked for."""
    told = iter(results)
    return [list(islice(told, len(changes))) for changes in asked]
