"""What people do to mail: the actions on one mail and on many, the search, and what a mail says."""

import hashlib
import re
from typing import Final
from urllib.parse import quote

from msgspec.structs import asdict

from everpost.dialects.native import acts
from everpost.dialects.native.render import instant, render_content
from everpost.dialects.native.views import BulkView
from everpost.engine.idempotency import Idempotency
from everpost.entrypoints.http import headers
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.emails import accepted_reply, listed, note_accepted, view
from everpost.entrypoints.http.problems import problem
from everpost.entrypoints.http.query import cursor, cursor_of_body
from everpost.model.act import Act, Action
from everpost.model.ids import delivery_id
from everpost.model.limits import ATTACHMENTS_MAX
from everpost.model.message import Removed
from everpost.model.problem import Problem
from everpost.providers.mime import mime_fault, render_mime
from everpost.store.port import Filter

_PLACE: Final = re.compile(r"[0-9]{1,3}")
_TEXT: Final = b"text/plain; charset=utf-8"
_OCTETS: Final = b"application/octet-stream"
_NO_SNIFFING: Final = ((b"content-security-policy", b"sandbox; default-src 'none'"),)


async def cancel_email(call: Call) -> Reply | Problem:
    body = await call.body()
    return body if isinstance(body, Problem) else await _act(call, acts.parse_cancel(body))


async def reschedule_email(call: Call) -> Reply | Problem:
    body = await call.body()
    return body if isinstance(body, Problem) else await _act(call, acts.parse_reschedule(body))


async def resolve_email(call: Call) -> Reply | Problem:
    body = await call.body()
    return body if isinstance(body, Problem) else await _act(call, acts.parse_resolve(body))


async def _act(call: Call, act: Act | Problem) -> Reply | Problem:
    if isinstance(act, Problem):
        return act
    stored = await call.services.desk.act(call.caller, call.place("id"), act)
    if isinstance(stored, Problem):
        return stored
    call.message_id = stored.message.id
    return json(200, view(stored))


async def resend_email(call: Call) -> Reply | Problem:
    body = await call.body()
    if isinstance(body, Problem):
        return body
    act = acts.parse_resend(body)
    if isinstance(act, Problem):
        return act
    key = _key_of(call)
    if isinstance(key, Problem):
        return key
    message_id = call.place("id")
    digest = hashlib.sha256(message_id.encode() + b"\n" + body).digest()
    idempotency = Idempotency(scope=f"{call.caller.project}:resend", key=key, fingerprint=digest)
    accepted = await call.services.desk.resend(call.caller, message_id, act, idempotency, call.origin)
    if isinstance(accepted, Problem):
        return accepted
    note_accepted(call, accepted)
    return accepted_reply(accepted, ())


async def bulk(call: Call) -> Reply | Problem:
    body = await call.body()
    asked = body if isinstance(body, Problem) else acts.parse_bulk(body)
    if isinstance(asked, Problem):
        return asked
    before = cursor_of_body(asked.cursor)
    if isinstance(before, Problem):
        return before
    is_needed = asked.act.action is Action.RESEND and not asked.is_dry
    key = _key_of(call) if is_needed else headers.read_idempotency_key(call.headers(b"idempotency-key"))
    if isinstance(key, Problem):
        return key
    by = Filter(project=call.caller.project, **asdict(asked.wanted))
    step = await call.services.bulk.step(call.caller, asked.act, by, before, None if asked.is_dry else key or "")
    return json(
        200,
        BulkView(
            dry_run=asked.is_dry,
            at=instant(step.at),
            matched=step.matched,
            done=step.done,
            refused=[
                {"id": one.message_id, "code": one.problem.code, "detail": one.problem.detail} for one in step.refused
            ],
            next_cursor=None if step.last is None else cursor(step.last),
        ),
    )


async def search(call: Call) -> Reply | Problem:
    body = await call.body()
    asked = body if isinstance(body, Problem) else acts.parse_search(body)
    if isinstance(asked, Problem):
        return asked
    before = cursor_of_body(asked.cursor)
    if isinstance(before, Problem):
        return before
    return await listed(call, Filter(project=call.caller.project, **asdict(asked.wanted)), before, asked.limit)


async def get_content(call: Call) -> Reply | Problem:
    message = await call.services.desk.message(call.caller.project, call.place("id"))
    if isinstance(message, Problem):
        return message
    call.message_id = message.id
    return json(200, render_content(message))


async def get_source(call: Call) -> Reply | Problem:
    """As it would be handed to a server of mail, whatever form its provider is given."""
    message = await call.services.desk.whole(call.caller.project, call.place("id"))
    if isinstance(message, Problem):
        return message
    fault = "it is no longer kept" if Removed.CONTENT in message.removed else mime_fault(message)
    if fault is not None:
        return problem("not_found", f"this mail has no source: {fault}")
    return Reply(
        status=200, body=render_mime(message, delivery_id(message.id, 0)), content_type=_TEXT, headers=_NO_SNIFFING
    )


async def get_attachment(call: Call) -> Reply | Problem:
    """As bytes that no browser makes anything of; its type is told by the content of the mail."""
    place = call.place("place")
    if not _PLACE.fullmatch(place):
        return problem("not_found", f"attachments are counted from 0 to {ATTACHMENTS_MAX - 1}")
    found = await call.services.desk.attachment(call.caller.project, call.place("id"), int(place))
    if isinstance(found, Problem):
        return found
    name = f"attachment; filename*=UTF-8''{quote(found.filename, safe='')}".encode()
    told = ((b"content-disposition", name), *_NO_SNIFFING)
    return Reply(status=200, body=found.content, content_type=_OCTETS, headers=told)


def _key_of(call: Call) -> str | Problem:
    key = headers.read_idempotency_key(call.headers(b"idempotency-key"))
    if key is None:
        return problem("bad_header", "Idempotency-Key is needed: it keeps a repeated request from sending twice")
    return key
