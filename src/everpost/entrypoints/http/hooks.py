"""What providers send by themselves: no key, but a signature. Answered only when it is durable."""

import logging
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from everpost.engine.ingest import Taken, Untaken
from everpost.entrypoints.http.call import Call, Reply
from everpost.entrypoints.http.figures import Figures
from everpost.entrypoints.http.operation import Answer, Operation
from everpost.entrypoints.http.problems import OVERLOADED, problem
from everpost.model.limits import HOOK_BYTES_MAX, HOOKS_AT_ONCE_MAX
from everpost.model.problem import Problem
from everpost.providers.hooks import HookRequest
from everpost.store.port import StoreUnavailable

AGAIN_S: Final = 5.0
NOBODY: Final = "(none)"
_TAKEN: Final = Reply(status=200, body=b"")  # with a body, or any other 2xx, some providers would send it again
_log = logging.getLogger(__name__)


async def take_webhook(call: Call) -> Reply | Problem:
    """Bounded: nobody has proven anything before the body is there."""
    ingestor, account, metrics = call.services.ingestor, call.place("account"), call.services.metrics
    webhook = ingestor.webhook(account) if ingestor is not None else None
    if ingestor is None or webhook is None:
        metrics.count_webhook(NOBODY, "unknown_account")
        return problem("not_found", f"there is no account {account!r} whose provider sends events")
    if ingestor.in_hand >= HOOKS_AT_ONCE_MAX:
        metrics.count_webhook(account, "overloaded")
        return replace(OVERLOADED, status=webhook.again_status)
    ingestor.in_hand += 1
    try:
        body = await call.body(HOOK_BYTES_MAX)
        if isinstance(body, Problem):
            metrics.count_webhook(account, "too_large")
            return body
        told = await ingestor.take_in(account, _request(call, body))
    except StoreUnavailable as error:
        metrics.count_webhook(account, "store_unavailable")
        again = problem("store_unavailable", str(error))
        return replace(again, status=webhook.again_status, retry_after_s=AGAIN_S)
    finally:
        ingestor.in_hand -= 1
    if isinstance(told, Untaken):
        return replace(_refused(call, account, told), status=webhook.refused_status)
    return _taken(call, account, told)


def _refused(call: Call, account: str, told: Untaken) -> Problem:
    call.services.metrics.count_webhook(account, told.why)
    _log.warning("a webhook was refused", extra={"account": account, "error": told.detail, "request": call.request_id})
    return problem("webhook_refused", told.detail)


def _taken(call: Call, account: str, told: Taken) -> Reply:
    count_taken(call.services.metrics, account, told)
    return _TAKEN


def count_taken(metrics: Figures, account: str, told: Taken) -> None:
    metrics.count_webhook(account, "taken")
    counted = {
        "joined": told.joined,
        "unjoined": told.unjoined,
        "unreadable": told.unreadable,
        "repeated": told.repeated,
    }
    for result, count in counted.items():
        metrics.count_webhook_events(account, result, count)


def _request(call: Call, body: bytes) -> HookRequest:
    incoming = call.incoming
    query = incoming.query.decode("latin-1")
    names = dict.fromkeys(name for name, _ in incoming.headers)
    return HookRequest(
        method=incoming.method,
        url=quote(incoming.path) + (f"?{query}" if query else ""),
        headers={name.decode("latin-1"): call.header(name) or "" for name in names},
        body=body,
        received_at=call.services.clock.now(),
    )


HOOKS: Final = (
    Operation(
        id="takeWebhook",
        method="POST",
        path="/hooks/{account}",
        tag="Webhooks",
        summary="Where a provider sends its events",
        description="It needs no key: the provider signs what it sends, and the account's `webhook_secret` tells "
        f"whether it did. The body, at most {HOOK_BYTES_MAX} bytes, is of the provider's own form.",
        handle=take_webhook,
        scope=None,
        answers=(Answer(status=200, description="It is stored. The answer is empty."),),
        problems=("webhook_refused", "not_found", "body_too_large", "overloaded"),
    ),
)
