"""A stream cut into pieces."""

import itertools
from random import Random


def pieces(data: bytes, how: bytes) -> list[bytes]:
    """By what `how` says: single bytes, lines, or by chance."""
    seed = how[0] if how else 0
    if seed == 0:
        return [data[at : at + 1] for at in range(len(data))] if len(data) < 5000 else [data[:5000], data[5000:]]
    if seed == 1:
        return data.splitlines(keepends=True)
    chance = Random(seed)
    cuts = sorted({0, len(data), *(chance.randint(0, len(data)) for _ in range(chance.randint(1, 12)))})
    return [data[start:end] for start, end in itertools.pairwise(cuts)]
