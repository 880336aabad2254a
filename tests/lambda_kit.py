"""Functions as Lambda runs them: a process under the real runtime interface client, fed by an emulator of its API.

An environment is frozen as soon as its function asks for the next event, and goes on when there is one: whatever the
function has left running stands still.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from server_kit import HOST, environ

TIMEOUT_S = 29.0
START_S = 60.0
API = "/2018-06-01/runtime"
PACKAGE = "everpost.entrypoints.aws"


class FunctionFailed(Exception):
    """What the function has told of its failure."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(f"{told.get('errorType')}: {told.get('errorMessage')}")
        self.told = told


class ProcessEnded(Exception):
    """The process has ended before it gave an answer."""


@dataclass
class Invocation:
    event: Any
    deadline: float  # wall clock
    id: str
    trace: str = ""
    result: "asyncio.Future[Any]" = field(default_factory=asyncio.Future)


@dataclass
class Environment:
    """One execution environment."""

    handler: str
    log: Path
    more: Mapping[str, str]
    freezes: bool = True
    process: asyncio.subprocess.Process | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)  # it has asked for an event
    init_error: FunctionFailed | None = None
    init_s: float = 0.0
    _began: float = 0.0
    _serving: "asyncio.Task[Any] | None" = None
    _running: Invocation | None = None
    _events: "asyncio.Queue[Invocation]" = field(default_factory=asyncio.Queue)
    _count: int = 0

    async def invoke(self, event: Any, timeout_s: float = TIMEOUT_S, trace: str = "") -> Any:
        """The result. Raises FunctionFailed and ProcessEnded, as which a function counts whose time is over."""
        invocation = self.call(event, timeout_s, trace)
        try:
            async with asyncio.timeout(timeout_s):
                return await invocation.result
        except TimeoutError:
            await self.kill()
            raise ProcessEnded("timed out") from None

    def call(self, event: Any, timeout_s: float = TIMEOUT_S, trace: str = "") -> Invocation:
        """An invocation whose result is awaited later."""
        self._count += 1
        number = f"{self._count:012d}"
        invocation = Invocation(event, time.time() + timeout_s, f"00000000-0000-4000-8000-{number}", trace)
        invocation.result.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._events.put_nowait(invocation)
        self._signal(signal.SIGCONT)
        return invocation

    async def kill(self) -> None:
        self._signal(signal.SIGKILL)
        assert self.process is not None
        await self.process.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def lines(self) -> list[Any]:
        """What it has written, as CloudWatch would have it: JSON where it is JSON."""
        return [_decoded(line) for line in self.log.read_text().splitlines()]

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    # --- the runtime's side -------------------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving = asyncio.current_task()
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                method, path, body = await _request(reader)
                head, answer = await self._answer(method, path, body)
                writer.write(f"{head}content-length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, method: str, path: str, body: bytes) -> tuple[str, bytes]:
        if path == f"{API}/invocation/next":
            return await self._next()
        if path == f"{API}/init/error":
            self.init_error = FunctionFailed(json.loads(body))
            self.started.set()
        elif self._running is not None and path == f"{API}/invocation/{self._running.id}/response":
            self._running.result.set_result(json.loads(body))
        elif self._running is not None and path == f"{API}/invocation/{self._running.id}/error":
            self._running.result.set_exception(FunctionFailed(json.loads(body)))
        return "HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\n", b'{"status":"OK"}'

    async def _next(self) -> tuple[str, bytes]:
        if not self.started.is_set():
            self.init_s = time.monotonic() - self._began
            self.started.set()
        if self.freezes and self._events.empty():
            self.freeze()
        self._running = running = await self._events.get()
        return (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {running.id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {round(running.deadline * 1000)}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:000000000000:function:{self.handler}\r\n"
            + (f"Lambda-Runtime-Trace-Id: {running.trace}\r\n" if running.trace else "")
        ), json.dumps(running.event).encode()

    async def start(self, port: int) -> None:
        self._began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "awslambdaric", f"{PACKAGE}.{self.handler}"),
                env={**environ(), **_lambda_environ(self.handler, port), **self.more},
                stdout=log,
                stderr=log,
            )

    async def watch(self) -> None:
        """Who waits for an answer of a process that has ended gets none."""
        assert self.process is not None
        code = await self.process.wait()
        self.started.set()
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])
        if self._running is not None and not self._running.result.done():
            self._running.result.set_exception(ProcessEnded(f"exit code {code}"))


@asynccontextmanager
async def environment(
    handler: str, log: Path, more: Mapping[str, str], *, freezes: bool = True
) -> AsyncIterator[Environment]:
    """A started one: its initialisation is over. Raises FunctionFailed with what is wrong with that."""
    started = Environment(handler, log, more, freezes)
    server = await asyncio.start_server(started.serve, HOST, 0)
    await started.start(server.sockets[0].getsockname()[1])
    watching = asyncio.create_task(started.watch())
    try:
        async with asyncio.timeout(START_S):
            await started.started.wait()
        if started.init_error is not None:
            raise started.init_error
        assert started.process is not None
        assert started.process.returncode is None, started.lines
        yield started
    finally:
        await started.kill()
        await watching
        server.close()


async def until(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    """Looks again and again; TimeoutError if it does not hold in time."""
    async with asyncio.timeout(within_s):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


def _lambda_environ(handler: str, port: int) -> dict[str, str]:
    return {
        "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": f"everpost-{handler.replace('_', '-')}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "_HANDLER": f"{PACKAGE}.{handler}",
        "LAMBDA_TASK_ROOT": str(Path.cwd()),
    }


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if headers.get("transfer-encoding") == "chunked":
        return method, path, b"".join([piece async for piece in _chunks(reader)])
    return method, path, await reader.readexactly(int(headers.get("content-length", "0")))


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readline()).strip() or b"0", 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


def _decoded(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line


# --- events, as API Gateway, SQS and the clock make them --------------------------------------------------------------


def rest_event(method: str, path: str, body: str | None = None, **more: Any) -> dict[str, Any]:
    """Of a REST API, payload format 1.0."""
    headers = more.pop("headers", {})
    path, _, query = path.partition("?")
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": parse_qs(query) or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/prod{path}",
            "stage": "prod",
            "protocol": "HTTP/1.1",
            "domainName": "abcde12345.execute-api.eu-central-1.amazonaws.com",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "apiId": "abcde12345",
        },
        "body": body,
        "isBase64Encoded": False,
        **more,
    }


def http_event(method: str, path: str, body: str | None = None, **more: Any) -> dict[str, Any]:
    """Of an HTTP API or a function URL, payload format 2.0."""
    context = {
        "accountId": "123456789012",
        "apiId": "abcde12345",
        "domainName": "abcde12345.execute-api.eu-central-1.amazonaws.com",
        "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default",
        "stage": "$default",
        "timeEpoch": 1_750_000_000_000,
    }
    path, _, query = path.partition("?")
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {},
        "requestContext": context | more.pop("context", {}),
        "isBase64Encoded": False,
        **more,
    }
    return event if body is None else {**event, "body": body}


def queue_event(*ids: str) -> dict[str, Any]:
    """A batch of SQS messages."""
    return {
        "Records": [
            {
                "messageId": id_,
                "receiptHandle": "AQEB",
                "body": "{}",
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:everpost-wakeups",
                "awsRegion": "eu-central-1",
            }
            for id_ in ids
        ]
    }


def queued_event(queue: str, **bodies: str) -> dict[str, Any]:
    """A batch of SQS messages of this queue, by their ids."""
    records = queue_event(*bodies)["Records"]
    arn = f"arn:aws:sqs:eu-central-1:123456789012:{queue}"
    return {"Records": [one | {"body": bodies[one["messageId"]], "eventSourceARN": arn} for one in records]}


CLOCK_EVENT = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-25T20:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:events:eu-central-1:123456789012:rule/everpost-deliver"],
    "detail": {},
}
