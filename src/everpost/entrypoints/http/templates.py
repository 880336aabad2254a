"""Templates of the caller's project."""

from everpost.dialects.native.templates import (
    WordsView,
    parse_data,
    parse_template,
    render_head,
    render_template,
)
from everpost.engine.templates import Templates
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.model.problem import Problem


async def list_templates(call: Call) -> Reply:
    found = await _templates(call).of(call.caller.project)
    return json(200, {"data": [render_head(each) for each in found], "next_cursor": None})


async def get_template(call: Call) -> Reply | Problem:
    found = await _templates(call).get(call.caller.project, call.place("id"))
    return found if isinstance(found, Problem) else json(200, render_template(found))


async def put_template(call: Call) -> Reply | Problem:
    body = await call.body()
    wanted = body if isinstance(body, Problem) else parse_template(call.place("id"), body)
    if isinstance(wanted, Problem):
        return wanted
    put = await _templates(call).put(call.caller, wanted)
    return put if isinstance(put, Problem) else json(200, render_template(put))


async def delete_template(call: Call) -> Reply | Problem:
    return await _templates(call).delete(call.caller, call.place("id")) or Reply(status=204, body=b"")


async def preview_template(call: Call) -> Reply | Problem:
    body = await call.body()
    data = body if isinstance(body, Problem) else parse_data(body)
    if isinstance(data, Problem):
        return data
    found = await _templates(call).words(call.caller.project, call.place("id"), data)
    if isinstance(found, Problem):
        return found
    view: WordsView = {"subject": found.subject, "text": found.text, "html": found.html}
    return json(200, view)


def _templates(call: Call) -> Templates:
    return call.services.acceptor.templates
