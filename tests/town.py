"""Mail, and providers that tell what becomes of it as they are told to."""

from collections import Counter

import msgspec

from engine_kit import World, accepted, account, elapse
from everpost.model.message import Address
from everpost.model.sighting import Sighting, SightingKind
from everpost.providers.hooks import HookRequest
from sim.providers import SECRET

QUEUED, DELIVERED = SightingKind.QUEUED, SightingKind.DELIVERED
BOTH = (QUEUED, DELIVERED)
PACE_S = 5.0  # between two mails


class Town:
    """Mail, and two providers that tell of it what they are told to."""

    def __init__(self, *names, secrets=(SECRET, SECRET)):
        settings = [{"webhook_secret": secret} if secret else {} for secret in secrets]
        self.world = World(*(account(name, settings=one) for name, one in zip(names, settings, strict=False)))
        self.tells = dict.fromkeys(names, BOTH)

    async def mails(self, engine, seconds):
        """One at a time, and what is told of each."""
        carried = Counter()
        for number in range(round(seconds / PACE_S)):
            stored = await accepted(engine, to=(Address(f"bob{number}@example.org"),))
            await elapse(PACE_S)
            delivery = await self.world.delivery(stored)
            carried[delivery.account] += 1
            for kind in self.tells[delivery.account]:
                await hooked(engine, delivery, kind)
        return carried

    async def told(self, *types):
        return [event for event in await self.world.events() if event.type in types]


async def hooked(engine, delivery, kind):
    sighting = Sighting(
        kind=kind,
        native=kind,
        raw=b"{}",
        event_id=f"{delivery.id}-{kind}",
        delivery_id=delivery.id,
    )
    body, now = msgspec.json.encode([sighting]), engine.ports.clock.now()
    request = HookRequest(method="POST", url="/hooks", headers={"secret": SECRET}, body=body, received_at=now)
    taken = await engine.ingestor.take_in(delivery.account, request)
    assert taken.joined == 1
