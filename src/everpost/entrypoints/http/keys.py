"""API keys of the caller's project."""

from everpost.dialects.native.keys import parse_new_key, render_key
from everpost.engine.key_desk import KeyDesk
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.model.problem import Problem


async def list_keys(call: Call) -> Reply:
    desk = _desk(call)
    keys = await desk.keys(call.caller)
    views = [render_key(key, used_at, is_good=desk.is_good(key)) for key, used_at in keys]
    return json(200, {"data": views, "next_cursor": None})


async def create_key(call: Call) -> Reply | Problem:
    body = await call.body()
    wanted = body if isinstance(body, Problem) else parse_new_key(body)
    if isinstance(wanted, Problem):
        return wanted
    made = await _desk(call).create(call.caller, wanted.scope, wanted.name, wanted.lasts_s)
    if isinstance(made, Problem):
        return made
    key, token = made
    return json(201, render_key(key, None, is_good=True, token=token))


async def revoke_key(call: Call) -> Reply | Problem:
    """Also when it was revoked before: afterwards it is."""
    revoked = await _desk(call).revoke(call.caller, call.place("id"))
    return revoked if isinstance(revoked, Problem) else Reply(status=204, body=b"")


def _desk(call: Call) -> KeyDesk:
    desk = call.services.keys
    if desk is None:
        raise LookupError("there are no keys here, and their operations are not offered")
    return desk
