"""A server in memory, without keys, and what providers tell of its mails."""

from contextlib import asynccontextmanager
from itertools import count

from everpost.entrypoints.http.app import build_app
from everpost.model.event import Event
from everpost.store.memory import MemoryStore
from http_kit import NATIVE, Caller, ScriptedWire, running


class Place:
    def __init__(self, services, engine, store):
        self.services, self.engine, self.store = services, engine, store
        self.call = Caller(build_app(services))
        self._numbers = count()

    async def send(self, *to, **fields):
        """Its id, when it is handed over; each a second after the one before."""
        self.services.clock.ahead_s += 1
        body = NATIVE | {"to": [*to] or NATIVE["to"]} | fields
        answer = await self.call("POST", "/v1/emails", body, {"prefer": "wait=20"})
        return answer.json["id"]

    async def tell(self, message_id, type_, at=None, project="default", **data):
        """Its place in the trail."""
        event = Event(
            id=f"told:{next(self._numbers)}",
            type=type_,
            at=at or self.services.clock.now(),
            project=project,
            message_id=message_id,
            data=data,
        )
        await self.store.record([event])
        return await self.engine.console.last_event()


@asynccontextmanager
async def opened_place():
    wire, store = ScriptedWire(), MemoryStore()
    wire.released.set()
    async with running(wire, store=store) as (services, engine):
        yield Place(services, engine, store)
