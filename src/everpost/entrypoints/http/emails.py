"""Mail: the operations under /v1/emails."""

import hashlib
from typing import Any, Final

import msgspec
from msgspec import Struct

from everpost.dialects.faults import Faults
from everpost.dialects.native import mail as native
from everpost.dialects.native.render import render_accepted, render_message
from everpost.engine.accept import Acceptance, is_final
from everpost.engine.console import attempts_of, send_at_of, statuses_of
from everpost.engine.desk import not_found
from everpost.engine.idempotency import Idempotency
from everpost.entrypoints.http import headers
from everpost.entrypoints.http.call import Call, Headers, Reply, encode, json
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.query import (
    cursor,
    read_choice,
    read_cursor,
    read_limit,
    read_time,
    refusal,
)
from everpost.model.delivery import DeliveryState
from everpost.model.key import Scope
from everpost.model.limits import PAGE_DEFAULT, PAGE_MAX
from everpost.model.message import Draft
from everpost.model.problem import Problem
from everpost.model.template import Templated
from everpost.store.port import Filter, Stored

REPLAYED: Final = (b"idempotency-replayed", b"true")


class Kept(Struct, frozen=True):
    """An answer as it is kept for replays."""

    status: int
    body: msgspec.Raw


async def send_email(call: Call) -> Reply | Problem:
    body = await call.body()
    if isinstance(body, Problem):
        return body
    idempotency = await idempotency_of(call, "send", body)
    if isinstance(idempotency, Problem):
        return idempotency
    mail = await call.aside(body, lambda: native.parse(body))
    return mail if isinstance(mail, Problem) else await accept(call, mail, idempotency)


async def accept(call: Call, mail: Draft | Templated, idempotency: Idempotency | None) -> Reply | Problem:
    """The mail, accepted and told; handed over as well, if its caller waits for that."""
    draft = mail.draft if isinstance(mail, Templated) else mail
    if refused := call.services.acceptor.unsubscribing.refusal(draft):
        return refused
    if draft.ignores_unsubscribe and not call.caller.may(Scope.ADMIN):
        return problem("forbidden", f"ignore_unsubscribe needs a key of scope admin, yours is {call.caller.scope}")
    wait_s = headers.read_wait(call.headers(b"prefer"))
    if wait_s is not None and not call.may_wait():
        wait_s = None  # a preference, no claim: it is accepted all the same
    accepted = await call.services.acceptor.accept(
        mail, call.caller, idempotency=idempotency, wait_s=wait_s, origin=call.origin
    )
    if isinstance(accepted, Problem):
        return accepted
    note_accepted(call, accepted)
    applied = () if wait_s is None else ((b"preference-applied", b"wait=%d" % wait_s),)
    if wait_s is None or accepted.replayed or not is_final(accepted.stored):
        return replay(accepted, applied) or accepted_reply(accepted, applied)
    reply = json(200, view(accepted.stored), applied)
    await keep(call, idempotency, reply)
    return reply


def accepted_reply(accepted: Acceptance, extra: Headers) -> Reply:
    """Rendered from what was accepted, so a replay needs nothing that was kept."""
    message = accepted.stored.message
    told = [(b"location", b"/v1/emails/" + message.id.encode()), *extra]
    if accepted.replayed:
        told.append(REPLAYED)
    return json(202, render_accepted(message), told)


async def idempotency_of(call: Call, operation: str, body: bytes, beside: bytes = b"") -> Idempotency | Problem | None:
    """The caller's claim that it sends this request once; keys are apart by project and operation. `beside`: what
    else the request says of the mail."""
    key = headers.read_idempotency_key(call.headers(b"idempotency-key"))
    if key is None or isinstance(key, Problem):
        return key
    scope = f"{call.caller.project}:{operation}"
    fingerprint = await call.aside(body, lambda: hashlib.sha256(beside + body).digest())
    return Idempotency(scope=scope, key=key, fingerprint=fingerprint)


def note_accepted(call: Call, accepted: Acceptance) -> None:
    call.message_id = accepted.stored.message.id
    if not accepted.replayed:
        call.services.metrics.count_accepted()


async def keep(call: Call, idempotency: Idempotency | None, reply: Reply) -> None:
    """Keeps the final answer of a synchronous request for its replays. One that is not final is not kept: whoever
    asks again with the key is told how the mail stands by then."""
    if idempotency is not None:
        answer = encode(Kept(reply.status, msgspec.Raw(reply.body)))
        await call.services.acceptor.remember(idempotency, answer)


def replay(accepted: Acceptance, extra: Headers = ()) -> Reply | None:
    """The answer that was kept of the first request, if one was."""
    if accepted.answer is None:
        return None
    kept = msgspec.json.decode(accepted.answer, type=Kept)
    return Reply(status=kept.status, body=bytes(kept.body), headers=[REPLAYED, *extra])


async def list_emails(call: Call) -> Reply | Problem:
    faults, query = Faults(), call.query
    by = Filter(
        project=call.caller.project,
        state=read_choice(query, "state", DeliveryState, faults),
        recipient=query.get("recipient"),
        tag=query.get("tag"),
        account=query.get("account"),
        created_from=read_time(query, "created_from", faults),
        created_before=read_time(query, "created_before", faults),
    )
    limit = read_limit(query, PAGE_DEFAULT, PAGE_MAX, faults)
    before = read_cursor(query, "cursor", faults)
    if faults:
        return refusal(faults)
    return await listed(call, by, before, limit)


async def listed(call: Call, by: Filter, before: str | None, limit: int) -> Reply:
    page = await call.services.console.messages(by, before, limit + 1)
    shown = page[:limit]
    following = cursor(shown[-1].message.id) if len(page) > limit else None
    return json(200, {"data": [view(stored) for stored in shown], "next_cursor": following})


async def get_email(call: Call) -> Reply | Problem:
    message_id = call.place("id")
    stored = await call.services.console.message(call.caller.project, message_id)
    if stored is None:
        return not_found(message_id)
    call.message_id = message_id
    return json(200, view(stored))


def view(stored: Stored) -> Any:
    attempts = attempts_of(stored.events)
    statuses = statuses_of(stored.message, stored.deliveries, stored.events)
    send_at = send_at_of(stored.message, stored.events)
    return render_message(stored.message, stored.deliveries, attempts, statuses, send_at)
