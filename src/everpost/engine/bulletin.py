"""Tells what becomes of the accounts: each change once, whichever process sees it first."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from everpost.core.delivering import REASON, SHARE, TOLD_S
from everpost.engine.ports import Ports
from everpost.model.account import AccountHealth, Circuit, CircuitState, Delivering, Records
from everpost.model.event import Event, EventType

_CIRCUIT: Final = (EventType.ACCOUNT_OPENED, EventType.ACCOUNT_CLOSED)
_DELIVERING: Final = (EventType.ACCOUNT_DEGRADED, EventType.ACCOUNT_RECOVERED)
_RECORDS: Final = (EventType.ACCOUNT_UNCONFIRMED, EventType.ACCOUNT_CONFIRMED)


class Bulletin:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._told: dict[tuple[EventType, str], str] = {}  # what has begun, by account: its mark

    async def tell(self, circuits: Mapping[str, Circuit], known: Mapping[str, AccountHealth], now: float) -> None:
        """Writes down what has changed since the last time."""
        events: list[Event] = []
        told = dict(self._told)
        for name, circuit in circuits.items():
            health = known.get(name, AccountHealth())
            is_open = circuit.state is not CircuitState.CLOSED
            data: dict[str, Any] = {"reason": circuit.reason}
            events += _change(told, _CIRCUIT, name, now, (_outage(health), data) if is_open else None)
            doubt = _doubt(health.records, data) if circuit.unconfirmed else None
            events += _change(told, _RECORDS, name, now, doubt)
            slow = _slowness(health.delivering) if circuit.slow else None
            events += _change(told, _DELIVERING, name, now, slow, _promptness(health.delivering))
        if events:
            await self._ports.store.record(events)
            self._ports.news.nudge()
        self._told = told


def _change(
    told: dict[tuple[EventType, str], str],
    types: tuple[EventType, EventType],
    name: str,
    now: float,
    begun: tuple[str, dict[str, Any]] | None,
    figures: Mapping[str, Any] = MappingProxyType({}),
) -> list[Event]:
    """The event of what has begun or ended, with these figures of its end; none where it goes on as it was."""
    begins, ends = types
    mark = told.get((begins, name))
    if begun is not None and mark is None:
        told[begins, name] = begun[0]
        return [_event(begins, name, begun[0], now, begun[1])]
    if begun is None and mark is not None:
        del told[begins, name]
        return [_event(ends, name, mark, now, dict(figures))]
    return []


def _outage(health: AccountHealth) -> str:
    """The outage's mark."""
    if health.failures:
        return str(health.failing_since or health.failed_at)
    return f"records:{health.records.shown_at}" if health.records.absent else str(health.failed_at)


def _doubt(records: Records, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Its mark, and since when mail may be lost: the latest that is known to be there may be older than the first one
    that was missed."""
    since = [at for at in (records.shown_at, records.missing_since) if at is not None]
    return str(records.missing_since), {"since_at": min(since), **data}


def _slowness(delivering: Delivering) -> tuple[str, dict[str, Any]]:
    """Its mark, and by what it was judged."""
    told = {"since_at": delivering.slow_since, "reason": REASON, "within_s": TOLD_S, "takes": SHARE}
    return str(delivering.slow_since), told | _promptness(delivering)


def _promptness(delivering: Delivering) -> dict[str, Any]:
    """Nothing where nothing is known any more."""
    if delivering.share is None:
        return {}
    return {
        "share": round(delivering.share, 3),
        "usual_share": round(delivering.usual, 3),
        "mails": len(delivering.heard),
        "silent": delivering.silent,
    }


def _event(type_: EventType, name: str, mark: str, now: float, data: dict[str, Any]) -> Event:
    """Its id tells the same change as seen by several processes, so that it is kept once: `mark` is when the outage
    began, for its end as well, since what came after it may have been seen by some alone."""
    id_ = f"{type_}:{name}:{mark}"
    return Event(id=id_, type=type_, at=now, project="", account=name, data=data)
