"""How long to wait before every account is tried once more."""

from typing import Final

ROUND_S_MIN: Final = 2.0
ROUND_S_MAX: Final = 900.0
_DOUBLINGS_MAX: Final = 10


def pause_s(rounds: int, chance: float) -> float:
    """The pause after `rounds` rounds in vain: doubled each time, bounded, and shortened by up to half by `chance`
    (0 to 1), so that what failed together does not come back together."""
    full = min(ROUND_S_MIN * (1 << min(rounds, _DOUBLINGS_MAX)), ROUND_S_MAX)
    return full * (1.0 - chance / 2)
