"""Receivers that answer by script, and webhooks of a world, in the time of the event loop."""

import asyncio
import json
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine_kit import CALLER, elapse
from everpost.dialects.native.render import render_event
from everpost.dialects.notices.table import WRITERS
from everpost.engine.webhooks.phrasing import Phrasing
from everpost.engine.webhooks.poster import Poster
from everpost.engine.webhooks.shelf import Shelf
from everpost.engine.wire import Guard
from everpost.model.event import Event, EventType
from everpost.providers.contract import Fault, HttpResponse, Phase
from everpost.wakeup.memory import MemoryWakeup

URL = "https://hooks.example.com/everpost"
REFUSED = Fault(phase=Phase.CONNECT, maybe_sent=False, text="connection refused")
GUARD = Guard()


def status(code, **headers):
    return HttpResponse(status=code, headers={name.replace("_", "-"): text for name, text in headers.items()})


TAKEN, BROKEN, GONE = status(204), status(500), status(410)


@dataclass(frozen=True)
class Got:
    """A request that has arrived."""

    url: str
    at: float  # seconds since the loop's beginning
    id: str  # webhook-id
    event: dict
    headers: dict
    body: bytes

    @property
    def type(self):
        return self.event["type"].removeprefix("dev.everpost.")


class Receivers:
    """They take everything, unless they are told otherwise, by address."""

    def __init__(self):
        self.got = []
        self.answers = {}  # by address: an answer, or a function of what has arrived
        self.after_s = defaultdict(lambda: 0.05)
        self.most = Counter()  # requests at the same time
        self.most_of_all = 0
        self._open = Counter()

    async def send(self, request, timeouts, not_after):
        at = asyncio.get_running_loop().time()
        got = Got(
            request.url, at, request.headers["webhook-id"], json.loads(request.body), request.headers, request.body
        )
        self.got.append(got)
        self._open[got.url] += 1
        self.most[got.url] = max(self.most[got.url], self._open[got.url])
        self.most_of_all = max(self.most_of_all, self._open.total())
        try:
            async with asyncio.timeout(timeouts.total_s):
                await asyncio.sleep(self.after_s[got.url])
        except TimeoutError:
            return Fault(phase=Phase.ANSWER, maybe_sent=True, text=f"no answer within {timeouts.answer_s:g} s")
        finally:
            self._open[got.url] -= 1
        answer = self.answers.get(got.url, TAKEN)
        return answer(got) if callable(answer) else answer

    def of(self, url=URL):
        return [got for got in self.got if got.url == url]

    @property
    def ids(self):
        """Of the events, each once: those of several mails come at the same time."""
        return sorted({got.event["id"] for got in self.got})

    def sequences(self, url=URL):
        return [int(got.event["sequence"]) for got in self.of(url)]

    async def close(self): ...


class Hooked:
    """A world whose processes post to receivers."""

    def __init__(self, world):
        self.world = world
        self.receivers = Receivers()
        self.shelf = Shelf(world.store)

    def engine(self, *, delivers=True):
        engine = self.world.engine()
        poster = Poster(
            wire=self.receivers,
            guard=GUARD,
            clock=self.world.clock,
            phrasing=Phrasing(render_event, WRITERS, self.world.store),
        )
        engine.add_webhooks(poster, MemoryWakeup if delivers else None)
        return engine

    @asynccontextmanager
    async def running(self, engine=None):
        async with self.world.running(engine or self.engine()) as process:
            yield process

    async def happen(self, count, first=0, project="shop", **fields):
        """So many events, one a mail."""
        events = [
            Event(
                **{
                    "id": f"em_{number}.0:2",
                    "type": EventType.SENT,
                    "at": self.world.clock.now(),
                    "project": project,
                    "message_id": f"em_{number}",
                    **fields,
                }
            )
            for number in range(first, first + count)
        ]
        await self.world.store.record(events)

    async def progress(self, webhook):
        found = await self.shelf.progress(webhook.id)
        return found[0]

    async def webhook(self, webhook):
        found = await self.shelf.get(webhook.id)
        return found[0]


async def made(engine, url=URL, caller=CALLER, **fields):
    webhook = await engine.webhooks.create(caller, {"url": url, **fields})
    assert hasattr(webhook, "url"), webhook
    await elapse(0.01)
    return webhook
