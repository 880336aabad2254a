"""A real engine over the memory store behind the HTTP room, and a caller that needs no socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from everpost.dialects.native.render import render_event
from everpost.dialects.notices.table import WRITERS
from everpost.engine.clock import SystemClock
from everpost.engine.engine import Engine
from everpost.engine.fleet import Member
from everpost.engine.housekeep import Retention
from everpost.engine.news import News
from everpost.engine.ports import Ports
from everpost.engine.webhooks.phrasing import Phrasing
from everpost.engine.webhooks.poster import Poster
from everpost.engine.wire import Guard
from everpost.entrypoints.http.call import Services
from everpost.entrypoints.metrics import ServerMetrics
from everpost.model.account import Account, AccountHealth, Quota, Timeouts
from everpost.model.message import Address, Attachment, Draft
from everpost.model.outcome import Kind, Outcome
from everpost.model.route import Route, RouteAccount
from everpost.providers.contract import (
    Answer,
    Fault,
    HttpRequest,
    HttpResponse,
    Limits,
    Phase,
    Provider,
    Request,
)
from everpost.store.memory import MemoryStore
from everpost.wakeup.memory import MemoryWakeup

NATIVE = {
    "from": "Ann <ann@example.com>",
    "to": ["bob@example.org"],
    "subject": "Hello",
    "text": "It works",
}
ORIGINAL = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
TAKEN = HttpResponse(status=202, headers={}, body=b"their-id")
BUSY = Fault(phase=Phase.CONNECT, maybe_sent=False, text="connection refused")
_KINDS = {202: Kind.ACCEPTED, 400: Kind.REJECTED, 403: Kind.REFUSED}


def _build(message: Draft, delivery_id: str, account: Account) -> HttpRequest:
    return HttpRequest(method="POST", url=f"http://{account.name}.example/", headers={}, body=delivery_id.encode())


def _read(answer: HttpResponse, account: Account) -> Outcome:
    text = answer.body.decode()
    kind = _KINDS.get(answer.status, Kind.UNKNOWN)
    return Outcome(kind=kind, status=answer.status, text=text, provider_message_id=text or None)


PROVIDER = Provider(
    name="plain",
    title="A provider without peculiarities",
    docs="",
    settings=(),
    limits=Limits(recipients_max=1000, content_bytes_max=25_000_000),
    build=_build,
    read=_read,
    resolve=None,
)


@dataclass
class ScriptedWire:
    """Answers for each account; `released` holds all answers back while it is not set."""

    answers: dict[str, Answer] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, request: Request, timeouts: Timeouts, not_after: float) -> Answer:
        assert isinstance(request, HttpRequest)
        account = request.url.removeprefix("http://").partition(".")[0]
        self.sent.append(account)
        self.asked.set()
        await self.released.wait()
        return self.answers.get(account, TAKEN)

    async def close(self) -> None: ...


class CalmHealth:
    """Nobody is ever ill."""

    async def record(self, reports: Sequence[Any]) -> None: ...

    async def board(self) -> Mapping[str, AccountHealth]:
        return {}

    async def lease(self, account: str, now: float, until: float) -> bool:
        return True

    async def close(self) -> None: ...


class MovableClock(SystemClock):
    """The system's, and as much ahead of it as a test wants."""

    ahead_s = 0.0

    def now(self) -> float:
        return super().now() + self.ahead_s


@asynccontextmanager
async def running(
    wire: ScriptedWire, *, inbox: Any = None, store: Any = None
) -> AsyncIterator[tuple[Services, Engine]]:
    """Two accounts, `first` and `second`, the first one being the default."""
    metrics = ServerMetrics("0.0.0")
    ports = Ports(
        store=store or MemoryStore(),
        health=CalmHealth(),
        wire=wire,
        due=MemoryWakeup(),
        news=News(),
        clock=MovableClock(),
        observer=metrics.engine,
    )
    accounts = (
        Account(name="first", provider="plain", quota=Quota(per_day=100)),
        Account(name="second", provider="plain"),
    )
    route = Route(name="default", accounts=tuple(RouteAccount(account=account.name) for account in accounts))
    engine = Engine(ports, [Member(account, PROVIDER) for account in accounts], [route], Retention())
    guard = Guard()
    engine.add_webhooks(
        Poster(wire=wire, guard=guard, clock=ports.clock, phrasing=Phrasing(render_event, WRITERS, ports.store)),
        MemoryWakeup,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run(stop))
    yield (
        Services(
            acceptor=engine.acceptor,
            console=engine.console,
            desk=engine.desk,
            bulk=engine.bulk,
            intake=engine.intake,
            groups=engine.groups,
            keyring=None,
            clock=ports.clock,
            ingestor=engine.ingestor,
            metrics=metrics,
            inbox=inbox,
            version="0.0.0",
            feed=engine.feed,
            webhooks=engine.webhooks,
            keys=engine.keys,
        ),
        engine,
    )
    wire.released.set()
    stop.set()
    await task


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Calls an ASGI application as a server would."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(
        self, method: str, target: str, body: Any = b"", headers: Mapping[str, str] | None = None, parts: int = 1
    ) -> Answered:
        """`body` is bytes, or a value that is sent as JSON; it arrives in so many `parts`."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        path, _, query = target.partition("?")
        size = len(raw) // parts + 1
        chunks = [raw[start : start + size] for start in range(0, len(raw), size)] or [b""]
        received = [
            {"type": "http.request", "body": chunk, "more_body": position < len(chunks) - 1}
            for position, chunk in enumerate(chunks)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return received.pop(0) if received else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        told = {"host": "127.0.0.1:8025"} | {name.lower(): value for name, value in (headers or {}).items()}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in told.items()],
        }
        await self._app(scope, receive, send)
        start, end = sent
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answered(start["status"], answered, end["body"])


HOSTILE = '<script>alert("x")</script>'


class OneMailInbox:
    """An inbox with one hostile mail."""

    def __init__(self) -> None:
        draft = Draft(
            sender=Address("ann@example.com", HOSTILE),
            to=(Address("bob@example.org"),),
            subject=HOSTILE,
            text=HOSTILE,
            html=f"<p>{HOSTILE}</p>",
            headers={"X-Odd": HOSTILE},
            attachments=(Attachment(filename=HOSTILE, content_type="text/plain", content=b"x"),),
        )
        self._caught = SimpleNamespace(
            id="1",
            provider="plain",
            received_at=1_800_000_000.0,
            delivery_id="em_1.0",
            provider_message_id="their-id",
            draft=draft,
        )

    def list(self, limit: int, before: str | None = None) -> list[Any]:
        return [self._caught] if before is None else []

    def get(self, caught_id: str) -> Any:
        return self._caught if caught_id == "1" else None

    def remove(self, caught_id: str) -> bool:
        return caught_id == "1"

    def clear(self) -> None:
        pass
