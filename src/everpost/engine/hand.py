"""The deliveries that one process has in hand and that are not on the wire."""

from collections import defaultdict, deque
from typing import Final

from everpost.engine.clock import Clock
from everpost.engine.fleet import Fleet
from everpost.model.limits import CLAIM_MAX
from everpost.store.port import Claimed

STALE_S: Final = 3.0  # a claim with less time left is given up, since its lease may end in mid-decision


class Hand:
    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self._fleet = fleet
        self._clock = clock
        self._ready: deque[Claimed] = deque()  # to be decided anew
        self._waiting: dict[str, deque[Claimed]] = defaultdict(deque)  # by account, for a free request
        self.deciding = 0  # taken, and neither given back nor on the wire yet

    def __len__(self) -> int:
        return len(self._ready) + self.waiting + self.deciding

    @property
    def ready(self) -> int:
        return len(self._ready)

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())

    def decide_anew(self, claimed: Claimed) -> None:
        self._ready.append(claimed)

    def wait_for(self, account: str, claimed: Claimed) -> None:
        """Until the account has a free request."""
        self._waiting[account].append(claimed)

    def take(self) -> list[Claimed]:
        """What is to be decided anew, and what waits for an account that has a free request again; claims about to end
        are dropped."""
        for name, queue in self._waiting.items():
            while queue and self._is_stale(queue[0]):
                queue.popleft()
            for _ in range(min(len(queue), self._fleet.free(name))):
                self._ready.append(queue.popleft())
        count = min(len(self._ready), CLAIM_MAX)
        taken = [self._ready.popleft() for _ in range(count)]
        return [claimed for claimed in taken if not self._is_stale(claimed)]

    def _is_stale(self, claimed: Claimed) -> bool:
        return (claimed.delivery.due_at or 0.0) <= self._clock.now() + STALE_S
