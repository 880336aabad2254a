"""Webhooks: managed, tried and told once more."""

from everpost.dialects.native.webhooks import (
    TestView,
    parse_new_webhook,
    parse_replay,
    parse_webhook_change,
    render_webhook,
    render_webhook_attempt,
)
from everpost.engine.webhooks.registry import Registry
from everpost.engine.webhooks.replays import One, Range
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.model.problem import Problem
from everpost.model.webhook import Webhook
from everpost.webhooks.progress import End


async def list_webhooks(call: Call) -> Reply:
    registry = _registry(call)
    webhooks = await registry.of(call.caller.project)
    views = [render_webhook(each, await registry.progress(each)) for each in webhooks]
    return json(200, {"data": views, "next_cursor": None})


async def get_webhook(call: Call) -> Reply | Problem:
    return await _shown(call, await _found(call))


async def list_attempts(call: Call) -> Reply | Problem:
    webhook = await _found(call)
    if isinstance(webhook, Problem):
        return webhook
    progress = await _registry(call).progress(webhook)
    return json(200, {"data": [render_webhook_attempt(each) for each in progress.attempts], "next_cursor": None})


async def create_webhook(call: Call) -> Reply | Problem:
    body = await call.body()
    fields = body if isinstance(body, Problem) else parse_new_webhook(body)
    if isinstance(fields, Problem):
        return fields
    return await _shown(call, await _registry(call).create(call.caller, fields), status=201, with_secret=True)


async def change_webhook(call: Call) -> Reply | Problem:
    body = await call.body()
    fields = body if isinstance(body, Problem) else parse_webhook_change(body)
    if isinstance(fields, Problem):
        return fields
    return await _shown(call, await _registry(call).change(call.caller, call.place("id"), fields))


async def delete_webhook(call: Call) -> Reply | Problem:
    return await _registry(call).delete(call.caller, call.place("id")) or Reply(status=204, body=b"")


async def rotate_webhook(call: Call) -> Reply | Problem:
    return await _shown(call, await _registry(call).rotate(call.caller, call.place("id")), with_secret=True)


async def test_webhook(call: Call) -> Reply | Problem:
    result = await _registry(call).test(call.caller, call.place("id"))
    if isinstance(result, Problem):
        return result
    view: TestView = {
        "ok": result.end is End.TAKEN,
        "status": result.status,
        "latency_ms": result.latency_ms,
        "error": result.error,
    }
    return json(200, view)


async def replay_webhook(call: Call) -> Reply | Problem:
    body = await call.body()
    wanted = body if isinstance(body, Problem) else parse_replay(body)
    if isinstance(wanted, Problem):
        return wanted
    webhook = await _found(call)
    if isinstance(webhook, Problem):
        return webhook
    chosen = Range(wanted.since or 0.0, wanted.until) if wanted.event is None else One(wanted.event)
    begun = await _registry(call).replay(call.caller, webhook, chosen)
    return begun if isinstance(begun, Problem) else json(202, render_webhook(webhook, begun))


def _registry(call: Call) -> Registry:
    registry = call.services.webhooks
    if registry is None:
        raise LookupError("there are no webhooks here, and their operations are not offered")
    return registry


async def _found(call: Call) -> Webhook | Problem:
    return await _registry(call).get(call.caller.project, call.place("id"))


async def _shown(
    call: Call, webhook: Webhook | Problem, status: int = 200, *, with_secret: bool = False
) -> Reply | Problem:
    if isinstance(webhook, Problem):
        return webhook
    secret = webhook.keys[0].secret if with_secret else None
    return json(status, render_webhook(webhook, await _registry(call).progress(webhook), secret))
