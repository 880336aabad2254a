"""Use of quotas: one item for each account and unit, each charge one conditional update of its own.

Charges are made before the transaction that they belong to, and given back if it is refused: in the transaction, mails
of one account would wait for each other. Who dies in between leaves the account with less room than it has until the
window ends, never with more.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from everpost.model.change import Charge, Usage
from everpost.store.dynamodb.attributes import Item
from everpost.store.dynamodb.keys import QUOTAS, Key, quota_key
from everpost.store.dynamodb.table import ConditionFailed, Range, Table
from everpost.store.dynamodb.writes import Write
from everpost.store.port import StoreUnavailable

TRIES_MAX = 8  # to charge, while others begin new windows


class Quotas:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._listed: set[tuple[str, str]] = set()

    async def charge(self, charges: Sequence[Charge]) -> list[Charge] | None:
        """What was charged, with the windows that it counts in: all of it, or None, and nothing."""
        done: list[Charge] = []
        for charge in charges:
            window_at = await self._charge(charge)
            if window_at is None:
                await self.give_back(done)
                return None
            done.append(replace(charge, window_at=window_at))
        return done

    async def give_back(self, charges: Sequence[Charge]) -> None:
        """As far as that can be done: what can't be given back is as good as used."""
        for charge in charges:
            change = Write.update(
                quota_key(charge.account, charge.unit),
                "SET #used = #used - :amount",
                "#window_at = :window_at AND #used >= :amount",
                amount=charge.amount,
                window_at=charge.window_at,
            )
            try:
                await self._table.write(change, repeat_lost=False)
            except (ConditionFailed, StoreUnavailable):
                continue

    async def usage(self) -> Mapping[tuple[str, str], Usage]:
        listed = await self._table.query(Range(pk=QUOTAS))
        keys = {quota_key(item["account"], item["unit"]): (item["account"], item["unit"]) for item in listed}
        found = await self._table.get_all(keys)
        used = {keys[key]: _usage(item) for key, item in found.items()}
        return {name: usage for name, usage in sorted(used.items()) if usage.used}

    async def _charge(self, charge: Charge) -> float | None:
        """The window that it now counts in; None if it does not fit. Asked again after a lost answer, it may count
        twice: the provider is rather asked too little than too much."""
        await self._list(charge.account, charge.unit)
        is_new = False
        for _ in range(TRIES_MAX):
            try:
                item = await self._table.write(_fresh(charge) if is_new else _added(charge), "ALL_NEW")
            except ConditionFailed as error:
                before = error.failed[0]
                is_new = before is None or before["window_at"] < charge.window_at
                if charge.amount > charge.amount_max or not (is_new or _fits(before, charge)):
                    return None
            else:
                return float(item["window_at"])
        raise StoreUnavailable(f"the quota of {charge.account} changes too fast to be charged")

    async def _list(self, account: str, unit: str) -> None:
        """Before the first charge, so that no use goes unseen."""
        if (account, unit) in self._listed:
            return
        key = Key(QUOTAS, quota_key(account, unit).pk)
        await self._table.write(Write.put({**key._asdict(), "account": account, "unit": unit}))
        self._listed.add((account, unit))


def _added(charge: Charge) -> Write:
    """To the window that is there, which is this one or a newer one."""
    return Write.update(
        quota_key(charge.account, charge.unit),
        "SET #used = #used + :amount",
        "#window_at >= :window_at AND #used <= :room",
        amount=charge.amount,
        window_at=charge.window_at,
        room=charge.amount_max - charge.amount,
    )


def _fresh(charge: Charge) -> Write:
    """The first use of a new window."""
    return Write.update(
        quota_key(charge.account, charge.unit),
        "SET #used = :amount, #window_at = :window_at",
        "attribute_not_exists(#pk) OR #window_at < :window_at",
        amount=charge.amount,
        window_at=charge.window_at,
    )


def _fits(item: Item | None, charge: Charge) -> bool:
    """Somebody may have given back what there was no room beside."""
    return item is not None and item["used"] + charge.amount <= charge.amount_max


def _usage(item: Item) -> Usage:
    return Usage(window_at=float(item["window_at"]), used=item["used"])
