"""A recipient is taken out of all mails."""

from everpost.dialects.native.operate import parse_erasure
from everpost.dialects.native.views import ErasureView
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.model.problem import Problem


async def erase_recipient(call: Call) -> Reply | Problem:
    body = await call.body()
    if isinstance(body, Problem):
        return body
    request = parse_erasure(body)
    if isinstance(request, Problem):
        return request
    done = await call.services.console.erase(call.caller, request.address, dry_run=request.dry_run)
    if isinstance(done, Problem):
        return done
    view: ErasureView = {
        "dry_run": request.dry_run,
        "messages": done.messages,
        "cancelled": done.cancelled,
        "suppressed": done.suppressed,
    }
    return json(200, view)
