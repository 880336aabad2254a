"""What the simulated providers tell of the mail that they have taken: late, twice, out of order, before the answer to
the send, or never; each event again until some node has answered that it has it."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field

import msgspec

from everpost.engine.ingest import Taken
from everpost.model.delivery import DeliveryState
from everpost.model.sighting import Bounce, Sighting, SightingKind
from everpost.providers.contract import HttpRequest
from everpost.providers.hooks import HookRequest
from everpost.store.port import StoreUnavailable
from sim.behaviour import Behaviour
from sim.far import still
from sim.nodes import EPOCH, Node
from sim.providers import SECRET, SimProvider
from sim.world import World

PROMPT_S = 20.0  # within which most events come, whatever comes before them
LATE_S = 300.0
ANSWER_S = 10.0  # how long a provider waits for it
AGAIN_S = 20.0  # until a provider posts again what was not taken
FATES: Sequence[tuple[float, tuple[SightingKind, ...]]] = (
    (0.07, (SightingKind.QUEUED, SightingKind.DEFERRED, SightingKind.DELIVERED)),
    (0.15, (SightingKind.QUEUED, SightingKind.BOUNCED)),
    (1.0, (SightingKind.QUEUED, SightingKind.DELIVERED)),
)


@dataclass
class Hooks:
    world: World
    nodes: Sequence[Node]
    rng: random.Random = field(init=False)  # of its own: what else happens is drawn as without it
    open: int = 0  # events that are still to come, or not taken yet
    taken: Counter[str] = field(default_factory=Counter)  # by id: how often a node has said that it has it
    told: dict[str, list[Sighting]] = field(default_factory=dict)  # by delivery: of those

    def __post_init__(self) -> None:
        self.rng = random.Random(f"hooks {self.world.plan.seed}")

    def booked(self, provider: SimProvider, request: HttpRequest, done: Behaviour) -> None:
        """The provider has taken a mail."""
        if provider.plan.tells is None:
            return
        if done.drops or done.delays_s:
            self.world.note("nothing is told of a mail")
            return
        for address in request.headers["to"].split(","):
            mark = self.rng.random()
            for kind in next(kinds for share, kinds in FATES if mark < share):
                self._happens(provider, request.body.decode(), address, kind)

    def _happens(self, provider: SimProvider, delivery_id: str, address: str, kind: SightingKind) -> None:
        rng, tells = self.rng, provider.plan.tells or {}
        if rng.random() < tells.get("lost", 0.0):
            self.world.note("an event is lost")
            return
        sighting = Sighting(
            kind=kind,
            native=kind,
            raw=b"{}",
            event_id=f"{delivery_id}-{address}-{kind}",
            at=EPOCH + self.world.loop.time(),
            recipient=address,
            delivery_id=delivery_id,
            provider_message_id=f"{provider.name}-{delivery_id}",
            bounce=rng.choice(tuple(Bounce)) if kind is SightingKind.BOUNCED else None,
        )
        copies = 1 + (rng.random() < tells.get("twice", 0.0))
        if copies > 1:
            self.world.note("an event comes twice")
        for _ in range(copies):
            is_late = rng.random() < tells.get("late", 0.0)
            after_s = rng.choice((0.0, rng.random() * (LATE_S if is_late else PROMPT_S)))
            self.open += 1
            # Not in the context of the node that has sent the mail: it would die with that.
            Context().run(self.world.loop.create_task, self._post(provider.name, sighting, after_s))

    async def _post(self, account: str, sighting: Sighting, after_s: float) -> None:
        await asyncio.sleep(after_s)
        delivery_id = sighting.delivery_id or ""
        if self.world.open_until.get(delivery_id, 0.0) > self.world.loop.time():
            self.world.note("an event came before the answer")
        while not await self._is_taken(account, sighting):
            self.world.note("an event is posted again")
            await asyncio.sleep(AGAIN_S)
        self.open -= 1
        self.told.setdefault(delivery_id, []).append(sighting)

    async def _is_taken(self, account: str, sighting: Sighting) -> bool:
        was_in_doubt = await self._is_in_doubt(sighting)
        listening = [(node, node.engine) for node in self.nodes if node.is_open and node.engine is not None]
        if not listening:
            return False
        node, engine = self.rng.choice(listening)
        body, now = msgspec.json.encode([sighting]), EPOCH + self.world.loop.time() + node.skew_s
        request = HookRequest(method="POST", url="/", headers={"secret": SECRET}, body=body, received_at=now)
        asked = node.start(engine.ingestor.take_in(account, request))
        await asyncio.wait([asked], timeout=ANSWER_S)  # the node goes on, whether it is listened to or not
        answer: object = None
        if asked.done():
            with suppress(StoreUnavailable, asyncio.CancelledError):
                answer = asked.result()
        if not isinstance(answer, Taken):
            return False
        self.taken[f"{account}:{sighting.event_id}"] += 1
        if not answer.joined:
            self.world.breaks.append(f"{sighting.delivery_id}: an event of it found no mail")
        if was_in_doubt and not await self._is_in_doubt(sighting):
            self.world.note("an event ends a doubt")
        return True

    async def _is_in_doubt(self, sighting: Sighting) -> bool:
        found = await still(self.nodes[0].fleet.store).find_delivery(sighting.delivery_id or "")
        return found is not None and found.state is DeliveryState.UNCERTAIN
