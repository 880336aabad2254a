"""Whether it lives, whether it can work, and its figures."""

from typing import Final

from everpost.entrypoints.http.call import Call, Reply, json
from everpost.model.problem import Problem

OPEN_METRICS: Final = b"application/openmetrics-text; version=1.0.0; charset=utf-8"


async def healthz(call: Call) -> Reply:
    """The process answers; it says nothing of the store."""
    return json(200, {"status": "ok", "version": call.services.version})


async def readyz(call: Call) -> Reply | Problem:
    """Mail can be accepted."""
    return await call.services.console.ready() or json(200, {"status": "ready"})


async def metrics(call: Call) -> Reply:
    services = call.services
    body = services.metrics.render(await services.console.standing())
    return Reply(status=200, body=body, content_type=OPEN_METRICS)
