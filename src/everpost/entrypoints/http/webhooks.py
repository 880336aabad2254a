"""Webhooks: managed, tried and told once more."""

from everpost.dialects.native_webhooks import (
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

NO_CONTENT = 204


class Webhooks:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def list(self, call: Call) -> Reply:
        webhooks = await self._registry.of(call.caller.project)
        views = [render_webhook(each, await self._registry.progress(each)) for each in webhooks]
        return json(200, {"data": views, "next_cursor": None})

    async def get(self, call: Call) -> Reply | Problem:
        return await self._shown(await self._registry.get(call.caller.project, call.place("id")))

    async def create(self, call: Call) -> Reply | Problem:
        body = await call.body()
        fields = body if isinstance(body, Problem) else parse_new_webhook(body)
        if isinstance(fields, Problem):
            return fields
        return await self._shown(await self._registry.create(call.caller, fields), status=201, with_secret=True)

    async def change(self, call: Call) -> Reply | Problem:
        body = await call.body()
        fields = body if isinstance(body, Problem) else parse_webhook_change(body)
        if isinstance(fields, Problem):
            return fields
        return await self._shown(await self._registry.change(call.caller, call.place("id"), fields))

    async def delete(self, call: Call) -> Reply | Problem:
        return await self._registry.delete(call.caller, call.place("id")) or Reply(status=NO_CONTENT, body=b"")

    async def rotate(self, call: Call) -> Reply | Problem:
        return await self._shown(await self._registry.rotate(call.caller, call.place("id")), with_secret=True)

    async def test(self, call: Call) -> Reply | Problem:
        result = await self._registry.test(call.caller, call.place("id"))
        if isinstance(result, Problem):
            return result
        view: TestView = {
            "ok": result.end is End.TAKEN,
            "status": result.status,
            "latency_ms": result.latency_ms,
            "error": result.error,
        }
        return json(200, view)

    async def replay(self, call: Call) -> Reply | Problem:
        body = await call.body()
        wanted = body if isinstance(body, Problem) else parse_replay(body)
        if isinstance(wanted, Problem):
            return wanted
        if wanted.event is not None:
            chosen: One | Range = One(wanted.event)
        else:
            chosen = Range(wanted.since or 0.0, wanted.until)
        webhook = await self._registry.get(call.caller.project, call.place("id"))
        if isinstance(webhook, Problem):
            return webhook
        begun = await self._registry.replay(call.caller, webhook, chosen)
        return begun if isinstance(begun, Problem) else json(202, render_webhook(webhook, begun))

    async def attempts(self, call: Call) -> Reply | Problem:
        webhook = await self._registry.get(call.caller.project, call.place("id"))
        if isinstance(webhook, Problem):
            return webhook
        progress = await self._registry.progress(webhook)
        return json(200, {"data": [render_webhook_attempt(each) for each in progress.attempts], "next_cursor": None})

    async def _shown(
        self, webhook: Webhook | Problem, status: int = 200, *, with_secret: bool = False
    ) -> Reply | Problem:
        if isinstance(webhook, Problem):
            return webhook
        secret = webhook.keys[0].secret if with_secret else None
        return json(status, render_webhook(webhook, await self._registry.progress(webhook), secret))
