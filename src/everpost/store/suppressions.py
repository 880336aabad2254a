"""Whom not to write to, in memory."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from everpost.model.removal import address_digest
from everpost.store.port import Suppression


class Suppressions:
    """By `address_digest`, so that they hold when the address is erased."""

    def __init__(self) -> None:
        self._rows: dict[bytes, Suppression] = {}

    def put(self, rows: Iterable[Suppression]) -> None:
        self._rows |= {address_digest(one.project, one.address): one for one in rows}

    def remove(self, project: str, addresses: Iterable[str]) -> None:
        for address in addresses:
            self._rows.pop(address_digest(project, address), None)

    def has_any(self, project: str, addresses: Iterable[str]) -> bool:
        return any(address_digest(project, one) in self._rows for one in addresses)

    def of(self, project: str, addresses: Iterable[str]) -> list[Suppression]:
        """In the order of their addresses, which are told as they were asked for."""
        asked = {address: address_digest(project, address) for address in sorted(map(str.lower, addresses))}
        found = ((address, self._rows.get(digest)) for address, digest in asked.items())
        return [replace(one, address=address) for address, one in found if one is not None]

    def page(self, project: str, prefix: str, after: str, limit: int) -> Sequence[Suppression]:
        named = (one for one in self._rows.values() if one.project == project and one.address)
        wanted = (one for one in named if one.address.startswith(prefix) and one.address > after)
        return sorted(wanted, key=lambda one: one.address)[:limit]

    def forget(self, project: str, address: str) -> bool:
        """Its address, if that is kept; the suppression holds as before."""
        digest = address_digest(project, address)
        known = self._rows.get(digest)
        if known is None or not known.address:
            return False
        self._rows[digest] = replace(known, address="")
        return True
