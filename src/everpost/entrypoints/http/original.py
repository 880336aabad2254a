"""The original three operations."""

from typing import Final

from everpost.dialects import legacy
from everpost.engine.accept import is_final
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.emails import REPLAYED, idempotency_of, keep, note_accepted, replay
from everpost.entrypoints.http.problems import OVERLOADED
from everpost.model.problem import Problem

WAIT_S: Final = 25.0  # for the hand-over; below the 29 s after which the usual gateways give up


async def send_email(call: Call) -> Reply | Problem:
    """Synchronous: answers when a provider has taken the mail or will not, or when WAIT_S are over."""
    if not call.may_wait():
        return OVERLOADED  # it must not be accepted, and its caller told that it is not sent yet
    body = await call.body()
    if isinstance(body, Problem):
        return body
    idempotency = await idempotency_of(call, "sendEmail", body)
    if isinstance(idempotency, Problem):
        return idempotency
    draft = await call.aside(body, lambda: legacy.parse(body))
    if isinstance(draft, Problem):
        return draft
    accepted = await call.services.acceptor.accept(
        draft, call.caller, idempotency=idempotency, wait_s=WAIT_S, origin=call.origin
    )
    if isinstance(accepted, Problem):
        return accepted
    note_accepted(call, accepted)
    kept = replay(accepted)
    if kept is not None:
        return kept
    stored = accepted.stored
    status, answer = legacy.render(stored.message, stored.deliveries)
    reply = json(status, answer, (REPLAYED,) if accepted.replayed else ())
    if is_final(stored):
        await keep(call, idempotency, reply)
    return reply


async def get_provider(call: Call) -> Reply:
    return json(200, legacy.render_provider(await call.services.console.default_account()))


async def set_provider(call: Call) -> Reply | Problem:
    body = await call.body()
    if isinstance(body, Problem):
        return body
    account = legacy.parse_provider(body)
    if isinstance(account, Problem):
        return account
    changed = await call.services.console.set_default(call.caller, account)
    return changed if isinstance(changed, Problem) else json(200, legacy.render_provider(changed.default))
