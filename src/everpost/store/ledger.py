"""Use of quotas, counted the same way in every store."""

from collections.abc import Iterable, Mapping

from everpost.model.change import Charge, Usage

Key = tuple[str, str]  # account, unit


def charged(used: Mapping[Key, Usage], charges: Iterable[Charge]) -> dict[Key, Usage] | None:
    """What `used` becomes by all of these charges, its changed entries only; None if one of them does not fit.

    A newer window starts its count afresh. Only the newest window is kept, so a charge that comes late for an older
    one is counted in it: the provider is rather asked too little than too much.
    """
    after: dict[Key, Usage] = {}
    for charge in charges:
        key = (charge.account, charge.unit)
        usage = after.get(key) or used.get(key)
        if usage is None or usage.window_at < charge.window_at:
            usage = Usage(window_at=charge.window_at, used=0)
        total = usage.used + charge.amount
        if total > charge.amount_max:
            return None
        after[key] = Usage(window_at=usage.window_at, used=total)
    return after
