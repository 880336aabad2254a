"""Lets requests in and answers out: ids, keys, the log, figures. Everything else is in the handlers."""

import logging
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from everpost.dialects import legacy
from everpost.entrypoints.http import headers, paths
from everpost.entrypoints.http.asgi import AsgiRequest, answer, turn_away
from everpost.entrypoints.http.asgi_types import Message, Receive, Send
from everpost.entrypoints.http.asgi_types import Scope as AsgiScope
from everpost.entrypoints.http.call import (
    JSON,
    PROBLEM_JSON,
    Call,
    Disconnected,
    Headers,
    Incoming,
    Reply,
    Services,
    encode,
    replied,
)
from everpost.entrypoints.http.exchange import written
from everpost.entrypoints.http.gate import PLACE, Gate
from everpost.entrypoints.http.operation import Operation
from everpost.entrypoints.http.origins import ASKED, preflight_fields
from everpost.entrypoints.http.problems import OVERLOADED, problem, render, retry_after
from everpost.entrypoints.http.query import read_query
from everpost.model.key import DEFAULT_PROJECT, Caller, Scope
from everpost.model.message import Origin
from everpost.model.problem import Problem
from everpost.store.port import StoreUnavailable

LOCAL: Final = Caller(project=DEFAULT_PROJECT, who="local", scope=Scope.ADMIN)
RETRY_AFTER_S: Final = 1.0
CLIENT_GONE: Final = 499  # as nginx logs it; never sent
_UNKNOWN_TEMPLATE: Final = "(none)"
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_WITHOUT_BODY: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_log = logging.getLogger(__name__)


class Door:
    """All operations, whoever speaks HTTP for them: our own protocol, or any ASGI server."""

    def __init__(self, services: Services, operations: Sequence[Operation]) -> None:
        self._services = services
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            by_path.setdefault(operation.path, {})[operation.method] = operation
        self.paths = frozenset(by_path)
        self.gate = Gate(operations, self._rendered_overload, self._new_id, services.metrics, services.origins)
        resources = {path: _Resource(path, methods, self.gate) for path, methods in by_path.items()}
        self._fixed = {path: resource for path, resource in resources.items() if "{" not in path}
        self._variable = [(paths.compiled(path), each) for path, each in resources.items() if "{" in path]

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await turn_away(send)
            return
        started = time.perf_counter()
        call = await self.deal(AsgiRequest(scope, receive))
        self.tell(call, time.perf_counter() - started)
        if call.reply is not None:
            try:
                await answer(call, fields_of(call, call.reply), call.reply, send)
            finally:
                if call.reply.stream is not None:
                    call.reply.stream.close()

    async def deal(self, incoming: Incoming) -> Call:
        """A request dealt with: its reply stands in the call. None there: nobody is left to read one."""
        call = Call(incoming, self._services)
        call.origin = Origin(
            request=headers.read_request_id(call.header(b"x-request-id")) or self._new_id(),
            trace=headers.read_trace(call.header(b"traceparent")),
        )
        resource = self._found(call)
        if resource is None:
            call.reply = _refusal(call, self._unknown(call.incoming.path))
        else:
            await resource.answer(call)
        return call

    def tell(self, call: Call, took_s: float) -> None:
        """The log and the figures, when the answer is on its way."""
        status = CLIENT_GONE if call.reply is None else call.reply.status
        method = call.incoming.method if call.template else "(any)"
        template = call.template or _UNKNOWN_TEMPLATE
        self._services.metrics.count_request(template, method, status, took_s)
        call.span.end(status=status)
        if _log.isEnabledFor(logging.INFO):
            _log.info(
                "request",
                extra={
                    "request": call.origin.request,
                    "method": method,
                    "route": template,
                    "status": status,
                    "latency_ms": round(took_s * 1000, 3),
                    "message_id": call.message_id,
                    "key": call.caller.who or None,
                    "trace": call.origin.trace,
                },
            )

    def _new_id(self) -> str:
        return f"{self._services.clock.entropy():020x}"

    def _rendered_overload(self, operation: Operation, extra: Headers) -> bytes:
        """The whole answer to a request that is turned away."""
        scope = {"method": operation.method, "path": operation.path, "query_string": b"", "headers": ()}
        call = Call(AsgiRequest(scope, _nothing), self._services, Origin(request=PLACE))
        reply = _reply(call, OVERLOADED, operation, extra)
        return written(reply.status, fields_of(call, reply), reply.body)

    def _unknown(self, path: str) -> Problem:
        bare = path.rstrip("/")
        words = f"leave the last slash out, as in {bare}" if bare in self._fixed else "see /docs"
        return problem("not_found", f"no operation has this path; {words}")

    def _found(self, call: Call) -> "_Resource | None":
        path = call.incoming.path
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed
        for pattern, resource in self._variable:
            if match := pattern.match(path):
                call.places = match.groupdict()
                return resource
        return None


async def _nothing() -> Message:
    """What comes of a request that nobody has made."""
    return {"type": "http.disconnect"}


class _Resource:
    """All operations on one path."""

    def __init__(self, template: str, operations: Mapping[str, Operation], gate: Gate) -> None:
        self._template = template
        self._gate = gate
        self._operations = dict(operations)
        if "GET" in operations:
            self._operations["HEAD"] = operations["GET"]
        self._allow = ", ".join(sorted(self._operations))

    async def answer(self, call: Call) -> None:
        call.template = self._template
        operation = self._operations.get(call.incoming.method)
        if operation is None:
            call.reply = _preflight(call, self._allow) or self._not_allowed(call)
            call.template = ""
            return
        try:
            if operation.takes_mail and not self._gate.enter(call.incoming):
                answer: Problem | Reply = OVERLOADED
            else:
                answer = await _traced(call, operation)
        except Disconnected:
            return
        except StoreUnavailable as error:
            answer = replace(problem("store_unavailable", str(error)), retry_after_s=RETRY_AFTER_S)
        except Exception:  # noqa: BLE001  the top of a request: a bug costs one answer, not the connection
            _log.exception("a request failed", extra={"request": call.request_id, "route": self._template})
            answer = problem("internal_error", f"look for the request id {call.request_id} in the log")
        finally:
            if call.incoming.permit is not None:
                call.incoming.permit.leave()
        call.reply = _reply(call, answer, operation)

    def _not_allowed(self, call: Call) -> Reply:
        refused = problem("method_not_allowed", f"{self._template} takes {self._allow}")
        form = next((each for each in self._operations.values() if each.dropin is not None), None)
        return _refusal(call, refused, ((b"allow", self._allow.encode()),), form)


def _preflight(call: Call, methods: str) -> Reply | None:
    """The answer to a browser that asks whether a page of another origin may call; None: it is no such question, or
    no other origin may."""
    origin = call.header(b"origin")
    origins = call.services.origins
    if not origins.are_listed or origin is None or call.incoming.method != "OPTIONS" or call.header(ASKED) is None:
        return None
    if not origins.told(origin):
        return _refusal(call, problem("foreign_origin", f"{origin} is not in http.page_origins"))
    return Reply(status=204, body=b"", headers=preflight_fields(methods))


async def _traced(call: Call, operation: Operation) -> Problem | Reply:
    if operation.scope is None or not operation.is_traced:
        return await _dealt_with(call, operation)
    call.span = call.services.tracer.request(operation.method, operation.path, call.origin.trace)
    with call.span.here():
        return await _dealt_with(call, operation)


async def _dealt_with(call: Call, operation: Operation) -> Problem | Reply:
    return await _admitted(call, operation) or await operation.handle(call)


async def _admitted(call: Call, operation: Operation) -> Problem | None:
    """Who calls, and whether they may; and what the query says."""
    if operation.scope is not None:
        caller = await _caller(call, operation)
        if isinstance(caller, Problem):
            return caller
        if not caller.may(operation.scope):
            return problem("forbidden", f"this needs a key of scope {operation.scope}, yours is {caller.scope}")
        call.caller = caller
    query = read_query(call.incoming.query, operation.query)
    if isinstance(query, Problem):
        return query
    call.query = query
    return None


async def _caller(call: Call, operation: Operation) -> Caller | Problem:
    keyring = call.services.keyring
    if keyring is None:
        return _local(call)
    own = operation.dropin and operation.dropin.key_header
    read = (operation.dropin and operation.dropin.read_key) or headers.read_token
    token = call.header(own) if own else read(call.header(b"authorization") or "")
    if not token:
        return problem("unauthorized", f"send the header `{own.decode() if own else 'Authorization: Bearer KEY'}`")
    return await keyring.find(token) or problem("unauthorized", "this API key is unknown or revoked")


def _local(call: Call) -> Caller | Problem:
    """Without keys, a web page elsewhere must not reach us through a browser on this machine: neither by a request
    across origins nor by a name of its own that leads here (DNS rebinding)."""
    for name in (b"host", b"origin"):
        value = call.header(name)
        if value is not None and not headers.LOOPBACK.fullmatch(value):
            return problem("not_local", f"the header {name.decode()} names another machine; use http://127.0.0.1")
    return LOCAL


def _reply(call: Call, answer: Problem | Reply, operation: Operation, extra: Headers = ()) -> Reply:
    reply = answer if isinstance(answer, Reply) else _refusal(call, answer, extra, operation)
    own = operation.dropin and operation.dropin.id_header
    return replace(reply, headers=(*reply.headers, (own, call.request_id.encode()))) if own else reply


def _refusal(
    call: Call, refused: Problem, extra: Sequence[tuple[bytes, bytes]] = (), operation: Operation | None = None
) -> Reply:
    """In the form that callers of the operation know."""
    after = retry_after(refused)
    told = list(extra)
    if after is not None:
        told.append((b"retry-after", after))
    if refused.status == HTTPStatus.UNAUTHORIZED:
        told.append((b"www-authenticate", b'Bearer realm="everpost"'))
    if refused.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        told.append((b"connection", b"close"))
    if operation is not None and operation.dropin is not None:
        return replied(operation.dropin.refuse(refused), told)
    if operation is not None and operation.legacy:
        body = encode(legacy.render_problem(refused))
        return Reply(status=refused.status, body=body, content_type=JSON, headers=told)
    body = encode(render(refused, quote(call.incoming.path), call.request_id))
    return Reply(status=refused.status, body=body, content_type=PROBLEM_JSON, headers=told)


def fields_of(call: Call, reply: Reply) -> list[tuple[bytes, bytes]]:
    """The header of an answer."""
    told = [
        (b"x-request-id", call.request_id.encode()),
        (b"cache-control", reply.cache),
        *_ALWAYS,
        *reply.headers,
    ]
    if call.services.origins.are_listed:
        told += call.services.origins.told(call.header(b"origin"))
    if reply.status not in _WITHOUT_BODY and reply.stream is None:
        told[:0] = [(b"content-length", b"%d" % len(reply.body))]
    if reply.body or reply.stream is not None:
        told[:0] = [(b"content-type", reply.content_type)]
    return told
