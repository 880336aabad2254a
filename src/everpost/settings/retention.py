"""The table [retention]: how long what is kept."""

from typing import Final

from everpost.settings import keys
from everpost.settings.section import Section
from everpost.settings.values import Retention

_PARTS: Final = (keys.BODIES_DAYS, keys.ADDRESSES_DAYS, keys.EVENTS_DAYS)


def read_retention(section: Section) -> Retention:
    parts = {key.name: section.whole(key) for key in _PARTS}
    retention = Retention(
        messages_days=section.whole(keys.MESSAGES_DAYS), keys_days=section.whole(keys.KEYS_DAYS), **parts
    )
    section.close()
    _check(section, retention, parts)
    return retention


def _check(section: Section, retention: Retention, parts: dict[str, int | None]) -> None:
    """Nothing of a message outlives it, and no address the contents in which it may stand."""
    messages_days, longest = retention.messages_days, keys.MESSAGES_DAYS.name
    for name, days in parts.items():
        if days is not None and days > messages_days:
            section.fault(
                name,
                f"is {days}, but messages go after {messages_days}",
                f"at most {messages_days}, or a larger {longest}",
            )
    bodies_days = messages_days if retention.bodies_days is None else retention.bodies_days
    addresses_days = retention.addresses_days
    if addresses_days is not None and addresses_days < bodies_days:
        section.fault(
            keys.ADDRESSES_DAYS.name,
            f"is {addresses_days}, but contents, in which addresses stand, are kept for {bodies_days}",
            f"set {keys.BODIES_DAYS.name} to at most {addresses_days}",
        )
