"""Which mail it is that a provider tells something of."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Final

from everpost.core.noticing import Join
from everpost.engine.ports import Ports
from everpost.model.delivery import Delivery
from everpost.model.event import EventType
from everpost.model.limits import JOIN_PROJECTS_MAX, JOIN_SEARCHES_MAX
from everpost.model.sighting import OF_NO_MAIL, Sighting
from everpost.store.port import Filter, Stored

BACK_S: Final = 7 * 86_400.0  # how old a mail may be that is searched for by its recipient
CANDIDATES_MAX: Final = 20  # mails of one project to this recipient that are looked at
AT_ONCE: Final = 16  # mails that are looked up side by side

Projects = Callable[[], Awaitable[Collection[str]]]


class Joiner:
    """By our own id, which every mail takes along; else, since providers lose it at times, by what they call the mail,
    or by the recipient alone where only one mail can be meant."""

    def __init__(self, ports: Ports, projects: Projects) -> None:
        self._ports = ports
        self._projects = projects

    async def joins(self, sightings: Sequence[Sighting], account: str) -> list[Join | None]:
        """For each of them; None: this account was never given such a mail."""
        named = await self._named({one.delivery_id for one in sightings if one.delivery_id}, account)
        found: list[Join | None] = []
        searches = 0
        for one in sightings:
            join = named.get(one.delivery_id or "")
            if (
                join is None
                and one.recipient is not None
                and one.kind not in OF_NO_MAIL
                and searches < JOIN_SEARCHES_MAX
            ):
                searches += 1
                join = await self._searched(one, one.recipient, account)
            found.append(join)
        return found

    async def _named(self, ids: Iterable[str], account: str) -> dict[str, Join]:
        left, found = sorted(ids), dict[str, Join]()
        while left:
            some, left = left[:AT_ONCE], left[AT_ONCE:]
            joins = await asyncio.gather(*(self._of_delivery(id_, account) for id_ in some))
            found |= {id_: join for id_, join in zip(some, joins, strict=True) if join is not None}
        return found

    async def _of_delivery(self, delivery_id: str, account: str) -> Join | None:
        delivery = await self._ports.store.find_delivery(delivery_id)
        if delivery is None:
            return None
        stored = await self._ports.store.get_message(delivery.project, delivery.message_id)
        if stored is None or not _was_given(stored, delivery, account):
            return None
        return Join(delivery=delivery, message=stored.message, by="metadata", trail=stored.events)

    async def _searched(self, sighting: Sighting, recipient: str, account: str) -> Join | None:
        given = [
            (stored, delivery)
            for project in sorted(await self._projects())[:JOIN_PROJECTS_MAX]
            for stored in await self._ports.store.list_messages(self._recent(project, recipient), None, CANDIDATES_MAX)
            for delivery in stored.deliveries
            if _was_given(stored, delivery, account)
        ]
        name = sighting.provider_message_id
        called_so = [one for one in given if name is not None and one[1].provider_message_id == name]
        if called_so:
            stored, delivery = called_so[0]
            return Join(delivery=delivery, message=stored.message, by="message_id", trail=stored.events)
        nameless = [one for one in given if name is None or one[1].provider_message_id is None]
        if len(nameless) != 1:
            return None
        stored, delivery = nameless[0]
        return Join(delivery=delivery, message=stored.message, by="recipient", trail=stored.events)

    def _recent(self, project: str, recipient: str) -> Filter:
        return Filter(project=project, recipient=recipient, created_from=self._ports.clock.now() - BACK_S)


def _was_given(stored: Stored, delivery: Delivery, account: str) -> bool:
    """Whether the account has ever been tried: its provider can tell nothing of other mail."""
    return delivery.account == account or any(
        one.event.type is EventType.ATTEMPTED and one.event.account == account and one.event.delivery_id == delivery.id
        for one in stored.events
    )
