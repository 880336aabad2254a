"""Whom not to write to, in memory."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from everpost.model.message import Message
from everpost.model.suppression import ALL, Suppression, digest_of, has_expired


class Suppressions:
    """By `digest_of`, so that they hold when the address is erased."""

    def __init__(self) -> None:
        self._rows: dict[bytes, Suppression] = {}

    def put(self, rows: Iterable[Suppression]) -> None:
        self._rows |= {digest_of(one.project, one.address, one.stream): one for one in rows}

    def remove(self, project: str, addresses: Iterable[str], stream: str) -> None:
        for address in addresses:
            self._rows.pop(digest_of(project, address, stream), None)

    def has_any(self, message: Message) -> bool:
        return bool(self.of(message.project, (one.email for one in message.recipients), message.stream))

    def of(self, project: str, addresses: Iterable[str], stream: str) -> list[Suppression]:
        """In the order of their addresses, which are told as they were asked for."""
        asked = ((address, one) for address in sorted({*map(str.lower, addresses)}) for one in sorted({ALL, stream}))
        found = ((address, self._rows.get(digest_of(project, address, one))) for address, one in asked)
        return [replace(one, address=address) for address, one in found if one is not None]

    def page(self, project: str, prefix: str, after: tuple[str, str], limit: int) -> Sequence[Suppression]:
        named = (one for one in self._rows.values() if one.project == project and one.address)
        wanted = (one for one in named if one.address.startswith(prefix) and _place(one) > after)
        return sorted(wanted, key=_place)[:limit]

    def forget(self, project: str, address: str) -> bool:
        """Its address, where that is kept; the suppressions hold as before."""
        named = {
            digest: replace(one, address="")
            for digest, one in self._rows.items()
            if (one.project, one.address) == (project, address.lower())
        }
        self._rows |= named
        return bool(named)

    def purge(self, before: float | None, limit: int) -> int:
        """Those that have expired, the oldest first."""
        ended = [] if before is None else [item for item in self._rows.items() if has_expired(item[1], before)]
        old = sorted(ended, key=lambda item: (item[1].expires_at, item[0]))[:limit]
        for digest, _ in old:
            del self._rows[digest]
        return len(old)


def _place(row: Suppression) -> tuple[str, str]:
    return row.address, row.stream
