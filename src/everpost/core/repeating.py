"""What a provider tells twice: by its webhook, with an id, and in a list that gives it none."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from everpost.model.event import Event, Recorded


def unless_told(event: Event, trail: Sequence[Recorded]) -> Event | None:
    """What a webhook tells, or a list with an id, as it is; None: a list without ids has told it before.
    `trail`: that of its mail."""
    listed = _listed_id(event)
    return None if any(one.event.id == listed for one in trail) else event


def unless_known(event: Event, trail: Sequence[Recorded]) -> Event | None:
    """What was listed without an id, under one that is the same for the same fact; None: the trail of its mail has that
    fact, whoever told it. Of an unknown mail nobody could tell, so nothing is kept of it."""
    if event.message_id is None or any(_fact(one.event) == _fact(event) for one in trail):
        return None
    return replace(event, id=_listed_id(event))


def _fact(event: Event) -> tuple[Any, ...]:
    """An account tells each thing once of each recipient: a second deferral counts as the first."""
    return event.account, event.delivery_id, event.type, event.data.get("place")


def _listed_id(event: Event) -> str:
    return "listed:" + ":".join("" if part is None else str(part) for part in _fact(event))
