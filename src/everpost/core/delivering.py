"""Whether what an account accepts is reported delivered in time, and what follows where it is not.

The longest outages look well from outside: 2xx, and the mail lies there for hours, or is lost. Providers that tell what
becomes of mail show it by telling less than they did. Like `confirming`, nothing here touches a mail that was handed
over: the account gets less of what comes, and all of it while no other account is free.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from everpost.model.account import AccountHealth, Delivering, Promptness
from everpost.model.event import Event, EventType
from everpost.model.sighting import Bounce, Reason

SAMPLE_S: Final = 20.0  # between two mails of an account that are listened for
TOLD_S: Final = 300.0  # the age at which a mail should have been reported delivered
FORGET_S: Final = 7200.0  # without a mail that was listened for: then nothing is known any more
SHARE: Final = 0.1  # of the traffic of a slow account: what its recovery is seen by
QUIET: Final = 5  # the latest mails, all of them silent, of an account that is not heard
REASON: Final = "what it has accepted is reported delivered late, or not at all"
_OF_THE_ADDRESS: Final = frozenset(
    {
        Reason.INVALID_RECIPIENT,
        Reason.SUPPRESSED_BOUNCE,
        Reason.SUPPRESSED_COMPLAINT,
        Reason.SUPPRESSED_UNSUBSCRIBE,
        Reason.SUPPRESSED_MANUAL,
    }
)
_PROMPT: Final = frozenset(
    {
        EventType.RECIPIENT_DELIVERED,
        EventType.RECIPIENT_OPENED,
        EventType.RECIPIENT_CLICKED,
        EventType.RECIPIENT_COMPLAINED,
        EventType.RECIPIENT_UNSUBSCRIBED,
        EventType.RECIPIENT_AUTORESPONDED,
    }
)


def is_slow(delivering: Delivering, now: float) -> bool:
    is_fresh = delivering.heard_at is not None and now - delivering.heard_at < FORGET_S
    return is_fresh and delivering.slow_since is not None


def audible(known: Mapping[str, AccountHealth], now: float) -> Mapping[str, AccountHealth]:
    """The same; but where several accounts tell of their mail as a rule and now nothing is heard of any of them, it is
    we who hear nothing, and that is held against none."""
    telling = [health.delivering for health in known.values() if _tells(health.delivering, now)]
    if len(telling) < 2 or not all(map(_is_quiet, telling)):
        return known
    return {name: replace(health, delivering=Delivering()) for name, health in known.items()}


def promptness(events: Iterable[Event]) -> Promptness:
    """What these events of a mail at one account come to. What concerns the address alone is as good as delivered:
    the provider has done its part."""
    told = [event for event in events if event.type.startswith("recipient.")]
    if any(event.type in _PROMPT or _concerns_the_address(event) for event in told):
        return Promptness.PROMPT
    return Promptness.LATE if told else Promptness.SILENT


def _concerns_the_address(event: Event) -> bool:
    return event.data.get("bounce") == Bounce.HARD or event.data.get("reason") in _OF_THE_ADDRESS


def _tells(delivering: Delivering, now: float) -> bool:
    is_fresh = delivering.heard_at is not None and now - delivering.heard_at < FORGET_S
    return is_fresh and delivering.usual > 0 and len(delivering.heard) >= QUIET


def _is_quiet(delivering: Delivering) -> bool:
    return all(one.what is Promptness.SILENT for one in delivering.heard[-QUIET:])
